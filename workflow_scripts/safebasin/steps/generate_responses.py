"""Lets a model, with or without an adapter, answer the prompts of a split."""

from __future__ import annotations

from dataclasses import dataclass

from safebasin.models.device import choose_device, prefer_repeatable_kernels
from safebasin.models.load import Precision, load_model
from safebasin.models.responses import choose_prompts, write_responses
from safebasin.steps.job import Job

FILES: tuple[str, ...] = ("responses.parquet",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """Which prompts, and how they are answered."""

    parts: list[str]
    """Parts of the split: dev, test."""
    corpora: list[str] | None = None
    """Corpora of the split; all where it is not given."""
    max_new_tokens: int
    batch_size: int
    """Part of the spec, since sums depend on the batch's shape."""
    precision: Precision
    system: str | None = None
    """A system message put before prompts that have none."""
    text_template: str | None = None
    """Plain text around each prompt, in the place of the chat template."""


def run(job: Job) -> None:
    """Write ``responses.parquet``, one row per prompt, in the order of the split."""
    params = job.params(Params)
    rows = choose_prompts(job.input("prompts"), params.parts, params.corpora)
    prefer_repeatable_kernels()
    loaded = load_model(
        job.input("checkpoint"),
        device=choose_device(job.device, job.progress),
        precision=params.precision,
        adapter=job.optional("adapter"),
    )
    write_responses(
        job.folder,
        loaded,
        rows,
        system=params.system,
        text_template=params.text_template,
        max_new_tokens=params.max_new_tokens,
        batch_size=params.batch_size,
        progress=job.progress,
    )
