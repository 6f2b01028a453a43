"""Makes a checkpoint that loads everywhere from the raw files of a source."""

from __future__ import annotations

from dataclasses import dataclass, field

from safebasin.models.chat_files import settle_chat
from safebasin.models.convert import Format, convert_checkpoint, the_file
from safebasin.models.folder import CHECKPOINT_FILES
from safebasin.models.load import Precision
from safebasin.models.tiny import TinyLlama
from safebasin.steps.job import Job
from safebasin.templates.settings import ChatSettings

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
    chat_template_name: str | None = None
    """Which of the source's own, where it brings several."""
    chat: ChatSettings = field(default_factory=ChatSettings)
    """How the chat template is used."""


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
    source = job.optional("source")
    home = job.folder
    if source is not None and params.format == "safetensors":
        home = the_file(source, params.file or "**/config.json").parent
    settle_chat(
        job.folder,
        home,
        params.chat,
        template=params.chat_template,
        named=params.chat_template_name,
    )
