"""Makes the aligned twin of a checkpoint by training it on a mixture with refusals."""

from __future__ import annotations

from dataclasses import dataclass

from safebasin.models.device import choose_device, prefer_repeatable_kernels
from safebasin.models.folder import CHECKPOINT_FILES
from safebasin.steps.job import Job
from safebasin.tuning.alignment import align_checkpoint
from safebasin.tuning.training import Training

FILES: tuple[str, ...] = CHECKPOINT_FILES


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """Which matrices are trained, and how."""

    training: Training
    targets: list[str]
    layers: int | None = None
    """How many of the upper layers are trained; all where it is not given."""


def run(job: Job) -> None:
    """Write the twin."""
    params = job.params(Params)
    prefer_repeatable_kernels()
    align_checkpoint(
        job.input("base"),
        job.input("mixture"),
        job.folder,
        targets=params.targets,
        layers=params.layers,
        training=params.training,
        device=choose_device(job.device, job.progress),
        progress=job.progress,
    )
