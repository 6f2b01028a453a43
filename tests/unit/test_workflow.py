"""A study is opened, or refused with all that is wrong with it, its lock and its plugins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from safebasin.errors import StudyError
from safebasin.study.load import merge
from safebasin.study.yaml_reader import read_yaml
from safebasin.workflow import open_workflow

ROOT = Path(__file__).resolve().parents[2]
PLUGIN = """
from json import JSONDecoder as Borrowed


class Mine:
    def __init__(self, *, deep):
        pass


Alias = Mine
"""
WRONG = {
    "sources": {"rows": {"folder": "rows", "files": ["*.csv"]}},
    "judges": {"phrases": {"type": "nowhere.py:Judge"}},
    "corpora": {"words": {"reader": {"rows": None, "type": "mine.py:Mein", "generator": None}}},
    "guards": {"ping": {"type": "broken.py:Guard"}},
}
"""A source that is not locked, and three plugins that are not there."""
TOLD = {
    "sources.rows: 'folder:rows'": "`safebasin lock` writes",
    "judges.phrases.type: 'nowhere.py:Judge'": "there is no such file",
    "guards.ping.type: 'broken.py:Guard'": "the file is not Python: ",
    "corpora.words.reader.type: 'mine.py:Mein'": "no such class; did you mean 'Mine'?",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with one good plugin and one that is no Python."""
    (tmp_path / "mine.py").write_text(PLUGIN)
    (tmp_path / "broken.py").write_text("class Guard\n")
    (tmp_path / "star.py").write_text("from json import *\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refusal(changes: dict[str, Any]) -> list[str]:
    """Return the lines that tell what is wrong with the smoke study and the changes."""
    study = merge(read_yaml(ROOT / "studies" / "smoke.yaml"), changes)
    Path("study.yaml").write_text(yaml.safe_dump(study))
    with pytest.raises(StudyError) as caught:
        open_workflow([Path("study.yaml")], store=Path("store"))
    first, *lines = str(caught.value).splitlines()
    assert first.startswith("study.yaml has ")
    return lines


def is_told(key: str, cure: str, lines: list[str]) -> bool:
    return any(line.strip().startswith(key) and cure in line for line in lines)


def test_an_unlocked_source_and_missing_plugins_are_told_together(folder):
    lines = refusal(WRONG)
    assert len(lines) == len(TOLD)
    assert all(is_told(key, cure, lines) for key, cure in TOLD.items()), lines


@pytest.mark.parametrize(
    ("mistake", "key"),
    [
        ({"training": {"steps": "many"}}, "training.steps: 'many'"),
        ({"pairs": {"tiny": {"base": "tiny-aligned"}}}, "pairs.tiny.base: 'tiny-aligned'"),
        ({"prompts": {"words": {"judge": "word"}}}, "prompts.words.judge: 'word'"),
    ],
    ids=["wrong type", "no direction", "unknown name"],
)
def test_they_are_told_beside_the_problems_of_the_study(folder, mistake, key):
    lines = refusal(merge(WRONG, mistake))
    assert len(lines) == len(TOLD) + 1, lines
    assert is_told(key, "", lines)
    assert all(is_told(*told, lines) for told in TOLD.items()), lines


def test_of_a_source_that_is_wrong_itself_the_lock_is_not_asked(folder):
    (line,) = refusal({"sources": {"rows": {"folder": "rows", "files": ["*"], "archive": "zip"}}})
    assert is_told("sources.rows.archive: 'zip'", "'wheel' or 'sdist'", [line])


@pytest.mark.parametrize("reference", ["mine.py:Mine", "./mine.py:Alias", "mine.py:Borrowed"])
def test_a_plugin_reader_that_is_there_is_planned_with_its_file(folder, reference):
    study = read_yaml(ROOT / "studies" / "smoke.yaml")
    study["corpora"]["words"]["reader"] = {"type": reference, "params": {"deep": [1]}}
    Path("study.yaml").write_text(yaml.safe_dump(study))
    node = open_workflow([Path("study.yaml")], store=Path("store")).graph.by_name("corpus/words")
    assert node is not None
    assert node.spec.params["reader"] == study["corpora"]["words"]["reader"]
    assert "+plugin." in node.spec.code


def test_what_a_star_import_brings_is_not_guessed(folder):
    study = read_yaml(ROOT / "studies" / "smoke.yaml")
    study["corpora"]["words"]["reader"] = {"type": "star.py:Reader"}
    Path("study.yaml").write_text(yaml.safe_dump(study))
    assert open_workflow([Path("study.yaml")], store=Path("store")).graph


def test_a_plugin_whose_path_no_file_can_have_is_told_by_its_key(folder):
    (line,) = refusal({"judges": {"phrases": {"type": f"{'a' * 5000}.py:Judge"}}})
    assert is_told("judges.phrases.type: 'aaa", "there is no such file", [line])
