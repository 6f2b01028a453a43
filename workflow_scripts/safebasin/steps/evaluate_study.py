"""Evaluate a study: verdicts of all its cells to one table, choices and the paired contrast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from safebasin.analysis import tables
from safebasin.analysis.cells import Cell, EvalSet
from safebasin.analysis.choice import ChoiceRule
from safebasin.analysis.contrast import Contrast
from safebasin.analysis.evaluation import evaluate
from safebasin.analysis.guards_json import guards_json
from safebasin.analysis.search_scores import SearchedPrefix
from safebasin.analysis.verdicts import read_verdicts
from safebasin.steps.job import Job
from safebasin.store.writers import write_json, write_parquet

FILES: tuple[str, ...] = (
    "evaluation.parquet",
    "summary.parquet",
    "contrast.json",
    "choices.json",
    "calibration.parquet",
    "guards.json",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateStudyParams:
    """What the study ran and what is asked of it."""

    study: str
    cells: Sequence[Cell]
    eval_sets: Sequence[EvalSet]
    choice: ChoiceRule | None = None
    contrast: Contrast | None = None
    calibration: str | None = None
    """The input with verdicts on answers that people have labelled."""
    prefixes: Sequence[SearchedPrefix] = ()
    """The cells that put in a search's winner as the search scored it."""


def run(job: Job) -> None:
    """Write the evaluation's tables."""
    params = job.params(EvaluateStudyParams)
    folders = job.named("verdicts")
    evaluation = evaluate(
        params.study,
        params.cells,
        params.eval_sets,
        folders,
        job.named("measure"),
        params.choice,
        params.contrast,
    )
    labelled = [] if params.calibration is None else read_verdicts(folders[params.calibration])
    write_parquet(job.folder / "evaluation.parquet", tables.evaluation_table(evaluation.rows))
    write_parquet(job.folder / "summary.parquet", tables.summary_table(evaluation.rows))
    write_parquet(job.folder / "calibration.parquet", tables.calibration_table(labelled))
    write_json(job.folder / "contrast.json", tables.contrast_json(evaluation, params.contrast))
    write_json(job.folder / "choices.json", tables.choices_json(evaluation.choices))
    guards = guards_json(
        params.cells, params.eval_sets, evaluation.verdicts, params.prefixes, job.named("prefix")
    )
    write_json(job.folder / "guards.json", guards)
