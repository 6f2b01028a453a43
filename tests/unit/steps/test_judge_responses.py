"""Verdicts that the evaluation could not use are refused where they are made, not at its end."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from safebasin.errors import StudyError
from safebasin.steps import judge_responses
from safebasin.steps.job import Job
from safebasin.store.writers import write_parquet

PLUGIN = """
class Harm:
    def judge(self, rows):
        return ["harmful" for _ in rows]
"""
LABELS = {"type": "label", "labels": ["animal", "tool"]}


def job(folder: Path, judge: dict[str, object], role: str = "responses", **wanted: object) -> Job:
    """Return the job on three answers, of which the last has no known label."""
    given, out = folder / role, folder / "out"
    given.mkdir()
    out.mkdir()
    rows = [
        {"id": str(place), "corpus": "words", "split": "test", "group": place, "category": kind,
         "label": label, "harmful": False, "messages": [{"role": "user", "content": "x"}],
         "response": "tool", "origin": "words"}
        for place, (kind, label) in enumerate([("a", "tool"), ("a", "animal"), ("b", "plant")])
    ]  # fmt: skip
    name = "responses.parquet" if role == "responses" else "rows.parquet"
    write_parquet(given / name, pa.Table.from_pylist(rows))
    told = {"name": "a set", "verdicts": "words", "part": "test", "metrics": "accuracy"} | wanted
    return Job(
        digest="0" * 16,
        raw_params={"judge": judge},
        inputs={role: given},
        folder=out,
        wanted=[told] if role == "responses" else [],
    )


REFUSED: dict[str, tuple[dict[str, object], dict[str, object], str]] = {
    "a label that the judge does not know": (LABELS, {}, "1 of 3 rows.*'plant'"),
    "a category that no row has": (LABELS, {"categories": ["a", "c"]}, "'c'.*have 'a'"),
    "a set without rows": (LABELS, {"part": "dev"}, "no verdicts of these answers in part 'dev'"),
    "a plug-in that judges something else": (
        {"type": "./harm.py:Harm"},
        {"metrics": "refusal"},
        "'harmful'.*are not refusal verdicts",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_verdicts_that_a_set_could_not_count_are_not_written(tmp_path, monkeypatch, case):
    judge, wanted, words = REFUSED[case]
    (tmp_path / "harm.py").write_text(PLUGIN)
    monkeypatch.chdir(tmp_path)
    asked = job(tmp_path, judge, **wanted)

    with pytest.raises(StudyError, match=words):
        judge_responses.run(asked)

    assert list(asked.folder.iterdir()) == []


def test_rows_that_no_set_takes_may_have_any_label(tmp_path):
    asked = job(tmp_path, LABELS, categories=["a"])
    judge_responses.run(asked)
    assert [path.name for path in asked.folder.iterdir()] == ["verdicts.parquet"]


def test_labels_of_people_that_say_nothing_of_refusals_are_refused_at_once(tmp_path):
    asked = job(tmp_path, {"type": "phrases"}, role="corpus")

    with pytest.raises(StudyError, match="'tool' of the row '0' says neither"):
        judge_responses.run(asked)

    assert list(asked.folder.iterdir()) == []
