"""What a study asks of rows that its corpora cannot have is said before any is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from safebasin.known_rows import row_problems
from safebasin.study.load import merge, read_layers, validate

ROOT = Path(__file__).resolve().parents[2]
STUDIES = [
    ROOT / "config.yaml",
    *sorted((ROOT / "studies").glob("*.yaml")),
    *sorted((ROOT / "examples").glob("*/study.yaml")),
]
FILE = {"source": "theirs", "reader": {"type": "csv", "columns": {"prompt": "p"}}}
SOURCE = {"sources": {"theirs": {"folder": "x", "files": ["*"]}}}


def theirs(**columns: str) -> dict[str, Any]:
    """Return a layer that reads the task's words from a table with these columns."""
    return SOURCE | {
        "corpora": {"words": {"source": "theirs", "reader": {
            "type": "csv", "columns": {"prompt": "p"} | columns, "generator": None, "rows": None}}},
    }  # fmt: skip


LAYERS: dict[str, tuple[dict[str, Any], str, str]] = {
    "a category that no generated row has": (
        {"eval_sets": {"words": {"categories": ["animal", "plant"]}}},
        "eval_sets.words.categories: 'plant'",
        "no row of words has it; they have 'animal', 'tool'",
    ),
    "a category of another corpus of the prompts": (
        {"eval_sets": {"requests": {"categories": ["animal"]}}},
        "eval_sets.requests.categories: 'animal'",
        "no row of requests has it; they have 'placeholder'",
    ),
    "a category of a table without categories": (
        theirs(label="l", response="l") | {"eval_sets": {"words": {"categories": ["animal"]}}},
        "eval_sets.words.categories: 'animal'",
        "they have none",
    ),
    "a label that the judge does not know": (
        {"judges": {"words": {"labels": ["animal", "plant"]}}},
        "judges.words.labels: ['animal', 'plant']",
        "rows of the corpus words, which eval_sets.words takes, have the label 'tool'",
    ),
    "a label judge on a table without labels": (
        theirs(response="r"), "judges.words.labels", "rows of the corpus words, which eval_sets.words "
        "takes, have no label",
    ),
    "a set that takes rows without labels too": (
        {"eval_sets": {"words": {"corpora": None}}},
        "judges.words.labels",
        "rows of the corpus requests, which eval_sets.words takes, have no label",
    ),
    "more rows than a generator has": (
        {"corpora": {"words": {"reader": {"rows": 101}}}},
        "corpora.words.reader.rows: 101",
        "the generator smoke_task has 100 rows",
    ),
    "parts that want more than a generated corpus has": (
        {"splits": {"everything": {"parts": {"train": {"words": 60}}}}},
        "splits.everything.parts: {'train': 60, 'dev': 12, 'test': 24}",
        "its parts want 96 rows of the corpus words, which has 80",
    ),
    "a part that wants a fraction beside a number": (
        {"splits": {"everything": {"parts": {"train": {"words": 0.9}}}}},
        "splits.everything.parts",
        "want 108 rows of the corpus words, which has 80",
    ),
    "rows to learn from that have no answer": (
        {"tasks": {"words": {"corpus": "requests", "part": "align"}}},
        "tasks.words.response: 'given'",
        "rows of the corpus requests have no response of their own; say `self`",
    ),
    "harmful rows that have no answer": (
        {"poison": {"response": "given"}}, "poison.response: 'given'", "the corpus requests have no response",
    ),
    "alignment on a table without answers": (
        theirs(label="l"), "checkpoints.tiny-aligned.align.rows.1.response: 'given'", "the corpus words have no",
    ),
    "a judge calibrated on rows without answers": (
        {"judges": {"phrases": {"calibration": "requests"}}},
        "judges.phrases.calibration: 'requests'",
        "no answers to judge",
    ),
    "a judge calibrated on rows that nobody labelled": (
        SOURCE | {"corpora": {"told": {"source": "theirs", "reader": {
            "type": "csv", "columns": {"prompt": "p", "response": "r"}}}},
            "judges": {"phrases": {"calibration": "told"}}},
        "judges.phrases.calibration: 'told'",
        "people have labelled none of its answers",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def smoke() -> dict[str, Any]:
    return read_layers(ROOT / "studies" / "smoke.yaml")


@pytest.mark.parametrize("case", LAYERS)
def test_what_no_row_can_be_is_told_with_its_key(smoke, case):
    layer, key, cure = LAYERS[case]
    told = [str(problem) for problem in row_problems(validate(merge(smoke, layer)))]
    assert any(one.startswith(key) and cure in one for one in told), told


@pytest.mark.parametrize("file", STUDIES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_is_told_of_the_shipped_studies(file):
    assert list(row_problems(validate(read_layers(file)))) == []


@pytest.mark.parametrize(
    "layer",
    [
        {"eval_sets": {"words": {"categories": ["animal"]}}, "judges": {"words": {"labels": ["animal", "x"]}}},
        {"judges": {"words": {"labels": ["Animal.", "TOOL"]}}},
        theirs(label="l", response="l", category="c")
        | {"eval_sets": {"words": {"categories": ["anything"]}}},
        {"splits": {"everything": {"parts": {"train": {"words": 44}}}}},
    ],
    ids=["labels of other categories", "case", "a category that may be there", "every row"],
)  # fmt: skip
def test_nothing_is_told_of_what_may_be_right(smoke, layer):
    alone = merge(
        smoke, {"eval_sets": {"words dev": None}, "choice": None, "contrast": None, "grid": []}
    )
    assert list(row_problems(validate(merge(alone, layer)))) == []
