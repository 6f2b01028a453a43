"""Reads raw files, or generates rows, into the one corpus schema."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from safebasin.corpora.corpus import corpus_rows
from safebasin.corpora.readers.reader import make_reader
from safebasin.corpora.rows import CORPUS_SCHEMA, ROWS, to_table
from safebasin.errors import DamagedInput
from safebasin.steps.job import Job
from safebasin.store.writers import write_parquet

FILES: tuple[str, ...] = (ROWS,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """How the rows are read, and whether they ask for harm."""

    reader: dict[str, Any]
    harmful: bool


def run(job: Job) -> None:
    """Write the corpus."""
    params = job.params(Params)
    read = make_reader(params.reader).read(job.optional("source") or job.folder)
    if not read:
        raise DamagedInput(f"reader {params.reader['type']}: no row is left; loosen its filters")
    origin = str(params.reader.get("generator") or params.reader["type"])
    rows = corpus_rows(read, harmful=params.harmful, default_origin=origin)
    write_parquet(job.folder / ROWS, to_table(rows, CORPUS_SCHEMA))
