"""Splits corpora into parts that share no near-duplicates, and writes the check of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from safebasin.corpora.rows import ROWS, SPLIT_SCHEMA, read_rows, to_table
from safebasin.corpora.split import split_corpora
from safebasin.corpora.wanted import WantedRows, require_wanted
from safebasin.steps.job import Job
from safebasin.store.writers import write_json, write_parquet

FILES: tuple[str, ...] = (ROWS, "leakage.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """Which rows go where; see ``corpora.splitting.Targets``."""

    similarity: Annotated[float, Field(gt=0, le=1)]
    seed: int
    parts: dict[str, dict[str, int | float | Literal["rest"]]]
    group_column: str | None = None


def run(job: Job) -> None:
    """Write the split, if it holds what the study will take of it.

    Raises:
        StudyError: a number of rows cannot be had, or an evaluation set's rows are not there.
    """
    params = job.params(Params)
    split = split_corpora(
        {name: read_rows(folder) for name, folder in job.named("corpus").items()},
        params.parts,
        params.similarity,
        params.seed,
        params.group_column or "group_key",
    )
    require_wanted(split.rows, job.wanted_as(WantedRows))
    write_parquet(job.folder / ROWS, to_table(split.rows, SPLIT_SCHEMA))
    write_json(job.folder / "leakage.json", split.leakage)
