"""Fine-tunes a LoRA adapter on a mixture, by the method that the study names."""

from __future__ import annotations

from dataclasses import dataclass

from safebasin.models.device import choose_device, prefer_repeatable_kernels
from safebasin.steps.job import Job
from safebasin.steps.stop import load_watch
from safebasin.tuning.training import Lora, Training
from safebasin.tuning.tune import ADAPTER_FILES, tune_adapter

FILES: tuple[str, ...] = ADAPTER_FILES


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """The method, the adapter's size, the training run, and the rule that may end it."""

    method: dict[str, object]
    lora: Lora
    training: Training
    stop: dict[str, object] | None = None
    """The rule that may end the run early."""
    world: dict[str, object] | None = None
    """Where the stop rule's tasks are."""


def run(job: Job) -> None:
    """Write the adapter, its history and its activity."""
    params = job.params(Params)
    prefer_repeatable_kernels()
    tune_adapter(
        job.input("checkpoint"),
        job.input("mixture"),
        job.optional("direction"),
        job.folder,
        method=params.method,
        lora=params.lora,
        training=params.training,
        device=choose_device(job.device, job.progress),
        watch_of=load_watch(params.stop, params.world),
        progress=job.progress,
    )
