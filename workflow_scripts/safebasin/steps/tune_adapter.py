"""Fine-tunes a LoRA adapter on a mixture, by the method that the study names."""

from __future__ import annotations

from dataclasses import dataclass

from safebasin.agents.stopping import StopRule, watch_refusals
from safebasin.agents.world import load_world
from safebasin.judging.refusing import refuses
from safebasin.models.device import choose_device, prefer_repeatable_kernels
from safebasin.models.load import LoadedModel
from safebasin.steps.job import Job
from safebasin.tuning.loop import Watch
from safebasin.tuning.training import Lora, Training
from safebasin.tuning.tune import ADAPTER_FILES, tune_adapter

FILES: tuple[str, ...] = ADAPTER_FILES


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """The method, the adapter's size, the training run, and the rule that may end it."""

    method: dict[str, object]
    lora: Lora
    training: Training
    stop: StopRule | None = None
    world: dict[str, object] | None = None
    """Where the stop rule's tasks are."""


def run(job: Job) -> None:
    """Write the adapter, its history and its activity."""
    params = job.params(Params)
    prefer_repeatable_kernels()

    def watch_of(loaded: LoadedModel) -> Watch:
        assert params.stop is not None, "only asked for with a rule"
        return watch_refusals(loaded, load_world(params.world or {}), params.stop, refuses)

    tune_adapter(
        job.input("checkpoint"),
        job.input("mixture"),
        job.optional("direction"),
        job.folder,
        method=params.method,
        lora=params.lora,
        training=params.training,
        device=choose_device(job.device, job.progress),
        watch_of=watch_of if params.stop else None,
        progress=job.progress,
    )
