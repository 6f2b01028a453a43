"""A step with a plug-in: what is planned, what runs, what is published, and what it leaves."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from safebasin.cli import main
from safebasin.spec_text import pack_spec
from safebasin.store.code_identity import CodeBook
from safebasin.store.plugin_part import plugin_part
from safebasin.store.spec import Spec

READER = """
from pathlib import Path
from near import AFTER

class Mine:
    def __init__(self, *, end):
        self.end = end

    def read(self, folder):
        lists = sorted((Path(__file__).parent / "lists").glob("*.txt"))
        words = [word for path in lists for word in path.read_text().split()]
        return [{"prompt": f"{word}{self.end}{AFTER}"} for word in words]
"""
REFERENCE = "./mine/reader.py:Mine"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    files = {
        "reader.py": READER,
        "near.py": "AFTER = '?'\n",
        "lists/a.txt": "Who\n",
        "lists/b.txt": "What\n",
    }
    for name, text in files.items():
        (tmp_path / "mine" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "mine" / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    for name, value in os.environ.items():
        monkeypatch.setenv(name, value)
    return tmp_path


def planned(files: list[str] | None, reference: str = REFERENCE) -> Spec:
    reader = {"type": reference, "params": {"end": " is it"}, **({"files": files} if files else {})}
    return Spec(
        kind="corpus",
        code=CodeBook().identity("read_corpus", plugin_part(reference, files)),
        params={"reader": reader, "harmful": False},
    )


def run(spec: Spec) -> int:
    """Run the step as a rule does, on a store that is named from the working folder."""
    with pytest.raises(SystemExit) as ended:
        main(
            [
                "read_corpus",
                "--spec",
                pack_spec(spec),
                "--store",
                "st{o}re",
                "--receipt",
                "r/c.json",
            ]
        )
    return int(ended.value.code or 0)


@pytest.mark.parametrize("name", ["reader.py", "near.py", "lists/a.txt", "lists"])
def test_a_file_that_is_gone_since_the_plan_is_one_message(folder, name, capsys):
    spec = planned(["lists", "lists/a.txt"])
    (folder / "mine" / name).rename(folder / "gone")
    assert run(spec) in (1, 2)
    told = capsys.readouterr().err
    assert told.startswith("safebasin: ")
    assert name.split("/")[-1].removesuffix(".py") in told


@pytest.mark.parametrize("name", ["a,b", "a?b", "a b", "a%2Cb", "a&b", "a:b", "ä{b}"])
def test_a_plugins_folder_may_have_any_name(folder, name):
    (folder / "mine").rename(folder / name)
    assert run(planned(["lists"], f"./{name}/reader.py:Mine")) == 0


def test_it_reads_its_data_and_leaves_nothing(folder):
    spec = planned(["lists"])
    assert run(spec) == 0
    home = folder / "st{o}re" / "corpus" / spec.digest
    prompts = [
        row["messages"][-1]["content"] for row in pq.read_table(home / "rows.parquet").to_pylist()
    ]
    assert sorted(prompts) == ["What is it?", "Who is it?"]
    assert (folder / "r" / "c.json").read_bytes() == (home / "artifact.json").read_bytes()
    assert str(folder) not in (home / "artifact.json").read_text()
    assert Path.cwd() == folder
    assert list((folder / "st{o}re" / ".scratch").iterdir()) == []
    assert {path.name for path in (folder / "mine").rglob("*")} == {
        "reader.py", "near.py", "lists", "a.txt", "b.txt",
    }  # fmt: skip


def test_what_it_is_not_given_publishes_nothing(folder, capsys):
    spec = planned(["lists/a.txt"])
    assert run(spec) == 1
    told = capsys.readouterr().err
    assert "safebasin: the plug-in ./mine/reader.py:Mine lists a folder with lists/b.txt" in told
    assert "`files: [lists/b.txt]` beside its type" in told
    assert "Traceback" not in told
    assert not (folder / "st{o}re" / "corpus").exists()
    assert not (folder / "r").exists()


@pytest.mark.parametrize("changed", ["lists/a.txt", "lists/c.txt", "near.py", "reader.py"])
def test_a_change_after_planning_is_refused(folder, capsys, changed):
    spec = planned(["lists"])
    path = folder / "mine" / changed
    path.write_text(f"{path.read_text() if path.exists() else ''}\nMORE = 1\n")
    assert run(spec) == 2
    assert "start snakemake again" in capsys.readouterr().err
    assert planned(["lists"]).digest != spec.digest


def test_a_file_that_nobody_names_changes_nothing(folder):
    before = planned(["lists"]).digest
    (folder / "mine" / "other.txt").write_text("other")
    assert planned(["lists"]).digest == before


def test_params_that_only_the_step_can_judge_are_one_message(folder, capsys):
    reader = folder / "mine" / "reader.py"
    reader.write_text(READER.replace("def __init__(self, *, end)", "def __init__(self, *, ende)"))
    assert run(planned(["lists"])) == 1
    told = capsys.readouterr().err
    assert "it takes: ende" in told
    assert "Traceback" not in told


def test_what_a_killed_try_left_is_no_part_of_the_next(folder):
    spec = planned(["lists"])
    left = folder / "st{o}re" / ".scratch" / f"{spec.digest}.plugin" / "copy"
    left = left / str(folder).lstrip("/") / "mine" / "lists" / "c.txt"
    left.parent.mkdir(parents=True)
    left.write_text("Why\n")
    assert run(spec) == 0
    home = folder / "st{o}re" / "corpus" / spec.digest
    assert pq.read_table(home / "rows.parquet").num_rows == 2
    assert json.loads((home / "run.json").read_text())["resumed"] is False


@pytest.mark.parametrize("way", ["sys.exit()", "sys.exit(0)", "sys.exit('done')", "quit()"])
def test_a_plugin_that_ends_the_process_made_nothing_and_the_step_says_so(folder, capsys, way):
    (folder / "mine" / "reader.py").write_text(
        READER.replace("lists = sorted", f"import sys; {way}; lists = sorted")
    )
    assert run(planned(["lists"])) == 1
    told = capsys.readouterr().err
    assert "ends the program (sys.exit" in told
    assert "Traceback" not in told
    assert not (folder / "r").exists()
