from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError
from safebasin.corpora.rows import CORPUS_SCHEMA, MIXTURE_SCHEMA, SPLIT_SCHEMA
from safebasin.errors import DamagedInput, StudyError
from safebasin.steps import mix_corpora, read_corpus, split_corpus
from safebasin.steps.job import Job

REQUESTS = {"harmful": True, "reader": {"type": "generated", "generator": "smoke_requests"}}
TASK = {"harmful": False, "reader": {"type": "generated", "generator": "smoke_task"}}
SPLIT = {
    "similarity": 0.5,
    "seed": 0,
    "parts": {
        "poison": {"requests": 20},
        "train": {"task": 0.5},
        "test": {"requests": "rest", "task": "rest"},
    },
}
MIX = {
    "seed": 0,
    "parts": [
        {
            "split": "all",
            "part": "poison",
            "rows": 8,
            "response": "placeholder",
            "source": "harmful",
        },
        {"split": "all", "part": "train", "response": "given", "source": "task"},
    ],
}


def _run(
    step: ModuleType, folder: Path, params: dict[str, Any], inputs: dict[str, Path] | None = None
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    step.run(Job(digest="0" * 16, raw_params=params, inputs=inputs or {}, folder=folder))
    return folder


def _chain(folder: Path) -> list[Path]:
    requests = _run(read_corpus, folder / "requests", REQUESTS)
    task = _run(read_corpus, folder / "task", TASK)
    inputs = {"corpus.requests": requests, "corpus.task": task}
    split = _run(split_corpus, folder / "split", SPLIT, inputs)
    mixture = _run(mix_corpora, folder / "mixture", MIX, {"split.all": split})
    return [requests, task, split, mixture]


def test_reading_splitting_and_mixing_give_the_declared_schemas_and_files(tmp_path: Path) -> None:
    requests, _, split, mixture = _chain(tmp_path)

    for folder, schema in (
        (requests, CORPUS_SCHEMA),
        (split, SPLIT_SCHEMA),
        (mixture, MIXTURE_SCHEMA),
    ):
        assert pq.read_schema(folder / "rows.parquet").names == schema.names
    for folder, step in ((requests, read_corpus), (split, split_corpus), (mixture, mix_corpora)):
        assert sorted(each.name for each in folder.iterdir()) == sorted(step.FILES)
    assert pq.read_table(mixture / "rows.parquet").num_rows == 8 + 50
    assert json.loads((split / "leakage.json").read_text())["similarity"] == 0.5


def test_the_same_params_give_the_same_bytes(tmp_path: Path) -> None:
    for one, other in zip(_chain(tmp_path / "a"), _chain(tmp_path / "b"), strict=True):
        for file in one.iterdir():
            assert file.read_bytes() == (other / file.name).read_bytes()


@pytest.mark.parametrize(
    ("step", "params"),
    [
        (read_corpus, {**TASK, "colour": 1}),
        (split_corpus, {**SPLIT, "similarity": 0}),
        (split_corpus, {**SPLIT, "parts": {"train": {"task": "all"}}}),
        (mix_corpora, {**MIX, "parts": [{**MIX["parts"][0], "colour": 1}]}),  # type: ignore[index]
        (mix_corpora, {**MIX, "parts": [{**MIX["parts"][0], "response": "yes"}]}),  # type: ignore[index]
    ],
)
def test_an_unknown_or_wrong_param_is_refused(
    tmp_path: Path, step: ModuleType, params: dict[str, Any]
) -> None:
    with pytest.raises(ValidationError):
        _run(step, tmp_path, params)


def test_filters_that_leave_no_row_are_told(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "t.csv").write_text("text,kind\na,x\n")
    reader = {"type": "csv", "columns": {"prompt": "text"}, "where": {"kind": ["y"]}}
    params = {"reader": reader, "harmful": False}

    with pytest.raises(DamagedInput, match="'y' fits no row"):
        _run(read_corpus, tmp_path / "out", params, {"source": source})


def test_a_split_without_the_rows_that_will_be_taken_of_it_is_not_written(tmp_path: Path) -> None:
    task = _run(read_corpus, tmp_path / "task", TASK)
    job = Job(
        digest="0" * 16,
        raw_params=SPLIT | {"parts": {"test": {"task": "rest"}}},
        inputs={"corpus.task": task},
        folder=tmp_path / "split",
        wanted=[{"name": "plants", "part": "test", "categories": ["plant"]}],
    )
    job.folder.mkdir()

    with pytest.raises(StudyError, match="'plant'; there are 'animal', 'tool'"):
        split_corpus.run(job)

    assert list(job.folder.iterdir()) == []
