"""A checkpoint's chat template and how it is used, read from its folder and its tokenizer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

from safebasin.errors import DamagedInput
from safebasin.models.folder import CHAT_SETTINGS, read_settings
from safebasin.templates.conversation import ChatTemplate
from safebasin.templates.named import choose_template
from safebasin.templates.settings import ChatSettings

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_SETTINGS = TypeAdapter(with_config(ConfigDict(extra="forbid"))(ChatSettings))
_ATTRIBUTE = "safebasin_chat_settings"


def read_chat_settings(folder: Path) -> ChatSettings:
    """Return how the checkpoint's template is used; the defaults where its folder does not say.

    Raises:
        DamagedInput: the file is none of ours.
    """
    path = folder / CHAT_SETTINGS
    if not path.exists():
        return ChatSettings()
    try:
        return _SETTINGS.validate_python(read_settings(path))
    except ValidationError as error:
        raise DamagedInput(f"{path} holds no settings of a chat template: {error}") from None


def mark(tokenizer: PreTrainedTokenizerBase, settings: ChatSettings) -> None:
    """Have the tokenizer carry the settings, so that whoever has it renders by them."""
    setattr(tokenizer, _ATTRIBUTE, settings)


def template_of(tokenizer: PreTrainedTokenizerBase, name: str) -> ChatTemplate:
    """Return the tokenizer's chat template.

    Raises:
        DamagedInput: it has none, or several.
    """
    told = tokenizer.chat_template
    if not told:
        raise DamagedInput(
            f"{name} has no chat template (chat_template.jinja or a key of "
            "tokenizer_config.json), so a conversation has no form for it; an instruction-"
            "tuned checkpoint has one, or give the checkpoint a `chat_template`"
        )
    text = told if isinstance(told, str) else choose_template(told, None, name)
    return ChatTemplate(
        name=name,
        text=str(text),
        tokens=tokenizer.special_tokens_map,
        settings=getattr(tokenizer, _ATTRIBUTE, ChatSettings()),
    )
