"""Step: somebody's PEFT adapter, taken in to be evaluated as it is."""

from __future__ import annotations

from dataclasses import dataclass

from safebasin.steps.job import Job

FILES = ("adapter_config.json", "adapter_model.safetensors")


@dataclass(frozen=True, kw_only=True)
class Params:
    """Nothing: the source and the checkpoint say all."""


def run(job: Job) -> None:
    """Check the adapter against the checkpoint and write it in canonical form."""
    from safebasin.models.adopted_adapter import adopt_adapter

    job.params(Params)
    checkpoint = job.input("checkpoint")
    base = f"checkpoint/{checkpoint.name}"
    adopt_adapter(job.input("source"), checkpoint, job.folder, base, job.progress)
