"""A run that fails ends with one message: what was not made, why, and where the log is."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from ..workflow import SMOKE, SNAKEMAKE, lay_out

READERS = """\
import os


class Killed:
    def read(self, folder):
        print("half way", flush=True)
        os.kill(os.getpid(), 9)


class Broken:
    def read(self, folder):
        return [][0]
"""
KILLED = "corpus/requests was killed (SIGKILL)"
DAMAGED = "corpus/words: a.jsonl: row 2 (line 2) is no JSON"
DEFECT = "corpus/words: IndexError: list index out of range"


def reader(name: str) -> dict[str, object]:
    """Return a reader of the test's own in place of the smoke study's."""
    return {"type": f"readers.py:{name}", "rows": None, "generator": None}


def damaged() -> dict[str, object]:
    """Return a reader of rows of which the second breaks off."""
    columns = {"prompt": "p", "response": "r", "label": "l"}
    told = {"type": "jsonl", "columns": columns, "rows": None, "generator": None}
    return {"source": "rows", "reader": told}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working directory with a damaged file, locked as it is, and readers that fail."""
    lay_out(tmp_path)
    (tmp_path / "readers.py").write_text(READERS)
    (tmp_path / "rows").mkdir()
    (tmp_path / "rows" / "a.jsonl").write_text('{"p": "a", "r": "b", "l": "c"}\n{"p": 5,\n')
    return tmp_path


def run(folder: Path, corpora: dict[str, object], *arguments: str) -> tuple[int, str, str]:
    """Return exit code, all that was printed, and from our last message on."""
    layer = {"sources": {"rows": {"folder": "rows", "files": ["*.jsonl"]}}, "corpora": corpora}
    (folder / "layer.yaml").write_text(yaml.safe_dump(layer))
    study = ("--configfile", str(SMOKE), "layer.yaml")
    safebasin = str(Path(SNAKEMAKE).with_name("safebasin"))
    subprocess.run([safebasin, "lock", *study], cwd=folder, check=True, capture_output=True)
    wanted = ["read_corpus", "--until", "read_corpus"]
    done = subprocess.run(
        [SNAKEMAKE, "--cores", "2", *wanted[1:], *arguments, *study],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return done.returncode, done.stdout, done.stdout[done.stdout.rfind("\nsafebasin: ") + 1 :]


def specs_in(told: str) -> bool:
    return '"kind":' in told or "--spec" in told or "Traceback" in told


def test_the_step_s_message_comes_last_with_the_artifact_s_name_and_no_spec(folder):
    code, told, last = run(folder, {"words": damaged()})
    message, log = last.splitlines()
    assert code == 1
    assert message.startswith(f"safebasin: {DAMAGED}")
    assert (folder / log.removeprefix("  log: ")).is_file()
    assert not specs_in(told), told
    assert told.count("is no JSON") == 1


def test_several_failures_are_told_together_and_a_killed_step_s_signal_too(folder):
    corpora = {"words": damaged(), "requests": {"reader": reader("Killed")}}
    code, told, last = run(folder, corpora, "--keep-going")
    assert code == 1
    assert last.startswith("safebasin: 2 jobs failed\n")
    assert DAMAGED in last
    assert KILLED in last
    assert "memory" in last
    assert "its log ends with: half way" in last
    assert last.count("  log: logs/read_corpus/") == 2
    assert not specs_in(told), told


@pytest.mark.parametrize("quiet", [("--quiet",), ("--quiet", "all")], ids=str)
def test_a_quiet_run_tells_it_all_the_same(folder, quiet):
    code, told, last = run(folder, {"words": {"reader": reader("Broken")}}, *quiet)
    assert code == 1
    assert last.startswith(f"safebasin: {DEFECT}")
    assert "its traceback is in the log" in last
    assert not specs_in(told), told


def test_what_a_retry_made_is_no_failure(folder, monkeypatch):
    monkeypatch.setenv("TRIED", str(folder / "tried"))  # a plug-in's own folder is made anew
    (folder / "readers.py").write_text(
        READERS + "\n\nclass Second:\n    def read(self, folder):\n"
        "        if not os.path.exists(os.environ['TRIED']):\n"
        "            open(os.environ['TRIED'], 'w').close()\n"
        "            raise SystemExit(7)\n"
        "        return [{'prompt': f'word {at}', 'response': 'a', 'label': 'b'} for at in range(80)]\n"
    )
    code, told, last = run(folder, {"words": {"reader": reader("Second")}}, "--retries", "1")
    assert code == 0, told
    assert "corpus/words ended with exit code 1" in told
    assert "  log: " not in last.splitlines()
