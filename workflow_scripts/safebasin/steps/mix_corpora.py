"""Mixes rows of splits into what a model is trained on."""

from __future__ import annotations

from dataclasses import dataclass

from safebasin.corpora.mixing import MixturePart, mix_rows
from safebasin.corpora.rows import MIXTURE_SCHEMA, ROWS, read_rows, to_table
from safebasin.steps.job import Job
from safebasin.store.writers import write_parquet

FILES: tuple[str, ...] = (ROWS,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """Which rows of which splits, and how each is answered."""

    parts: list[MixturePart]
    seed: int
    first: str | None = None
    """Rows of this source stand before all others."""


def run(job: Job) -> None:
    """Write the mixture."""
    params = job.params(Params)
    splits = {name: read_rows(folder) for name, folder in job.named("split").items()}
    rows = mix_rows(splits, params.parts, params.seed, params.first)
    write_parquet(job.folder / ROWS, to_table(rows, MIXTURE_SCHEMA))
