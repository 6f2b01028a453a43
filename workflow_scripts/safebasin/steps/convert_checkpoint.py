"""Makes a checkpoint that loads everywhere from the raw files of a source."""

from __future__ import annotations

from dataclasses import dataclass

from safebasin.models.convert import Format, convert_checkpoint, set_chat_template
from safebasin.models.folder import CHECKPOINT_FILES
from safebasin.models.load import Precision
from safebasin.models.tiny import TinyLlama
from safebasin.steps.job import Job

FILES: tuple[str, ...] = CHECKPOINT_FILES


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """What the source holds and in which type the weights are wanted."""

    format: Format
    file: str | None = None
    """Pattern of the GGUF file, or of the checkpoint's ``config.json``, in the source."""
    dtype: Precision | None = None
    tiny: TinyLlama | None = None
    chat_template: str | None = None
    """Replaces the source's own, if it brings one."""


def run(job: Job) -> None:
    """Write the checkpoint."""
    params = job.params(Params)
    convert_checkpoint(
        job.optional("source"),
        job.folder,
        form=params.format,
        file=params.file,
        dtype=params.dtype,
        tiny=params.tiny,
    )
    if params.chat_template is not None:
        set_chat_template(job.folder, params.chat_template)
