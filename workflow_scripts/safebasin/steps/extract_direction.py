"""Step: the alignment direction of a pair of checkpoints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from safebasin.steps.job import Job

FILES = ("direction.safetensors", "spectrum.parquet", "direction.json")


@dataclass(frozen=True, kw_only=True)
class Surrogate:
    """A control: a random matrix takes the direction's place."""

    type: Literal["random_spectrum"]
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class Params:
    """What to extract; see ``safebasin.directions.extract.Extraction``."""

    targets: list[str]
    top: int = 16
    dtype: Literal["float32", "bfloat16"] = "float32"
    zero: Literal["refuse", "free", "shrink"] = "refuse"
    surrogate: Surrogate | None = None


def run(job: Job) -> None:
    """Subtract base from aligned, matrix by matrix, and list the spectra."""
    from safebasin.directions.extract import Extraction, extract_direction

    params = job.params(Params)
    extract_direction(
        job.input("aligned"),
        job.input("base"),
        job.folder,
        Extraction(
            targets=params.targets,
            top=params.top,
            dtype=params.dtype,
            zero=params.zero,
            random_seed=params.surrogate.seed if params.surrogate else None,
        ),
        job.progress,
    )
