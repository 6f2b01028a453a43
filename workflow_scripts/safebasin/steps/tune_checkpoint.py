"""Fine-tunes the upper layers of a checkpoint on a mixture, until a rule says stop."""

from __future__ import annotations

from dataclasses import dataclass

from safebasin.models.device import choose_device, prefer_repeatable_kernels
from safebasin.models.folder import CHECKPOINT_FILES
from safebasin.steps.job import Job
from safebasin.steps.stop import load_watch
from safebasin.tuning.full import tune_checkpoint
from safebasin.tuning.training import Training

FILES: tuple[str, ...] = (*CHECKPOINT_FILES, "history.parquet", "activity.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """Which matrices are trained, how, and until when."""

    training: Training
    targets: list[str]
    layers: int | None = None
    """How many of the upper layers are trained; all where it is not given."""
    stop: dict[str, object] | None = None
    """The rule that may end the run early."""
    world: dict[str, object] | None = None
    """Where the stop rule's tasks are."""


def run(job: Job) -> None:
    """Write the tuned checkpoint, its history and its activity."""
    params = job.params(Params)
    prefer_repeatable_kernels()
    tune_checkpoint(
        job.input("checkpoint"),
        job.input("mixture"),
        job.folder,
        targets=params.targets,
        layers=params.layers,
        training=params.training,
        device=choose_device(job.device, job.progress),
        watch_of=load_watch(params.stop, params.world),
        progress=job.progress,
    )
