"""The chat template of a checkpoint folder and how it is used: one text, one file of settings."""

from __future__ import annotations

from pathlib import Path

from safebasin.errors import DamagedInput, StudyError
from safebasin.models.chat_template import template_of
from safebasin.models.folder import CHAT_SETTINGS, read_settings, write_settings
from safebasin.models.load import load_tokenizer
from safebasin.store.writers import write_json
from safebasin.templates.conversation import TemplateFault
from safebasin.templates.forms import USER, examine
from safebasin.templates.named import FOLDER, TEMPLATE_FILE, choose_template, templates_in
from safebasin.templates.settings import ChatSettings


def settle_chat(
    folder: Path,
    home: Path,
    settings: ChatSettings,
    *,
    template: str | None = None,
    named: str | None = None,
) -> None:
    """Give a new checkpoint its one chat template, and say how it is used.

    Args:
        folder: The checkpoint.
        home: What it was made from, whose templates count; it may be ``folder`` itself.
        settings: How the template is used.
        template: The study's own, in place of those that it brings.
        named: Which of those that it brings is used.

    Raises:
        StudyError: the study's template does not render a user's message, or which template counts
            cannot be told.
        DamagedInput: the checkpoint's own template does not render a user's message.
    """
    chosen = template
    if chosen is None:
        chosen = choose_template(_templates_in(home), named, str(home))
    write_json(folder / CHAT_SETTINGS, settings.as_json())
    if chosen is None:
        return
    _write_template(folder, chosen)
    try:
        examine(template_of(load_tokenizer(folder), f"checkpoint {folder.name}"), USER)
    except TemplateFault as fault:
        if template is None:
            raise
        raise StudyError(f"chat_template: {fault.what}; {fault.cure}") from None


def _write_template(folder: Path, template: str) -> None:
    """Make ``template`` the one of the checkpoint, in the one place where it is kept.

    Raises:
        DamagedInput: it holds half a character.
    """
    try:
        (folder / TEMPLATE_FILE).write_bytes(template.encode())
    except UnicodeEncodeError as error:
        raise DamagedInput(f"the chat template of {folder} is no text: {error.reason}") from None
    path = folder / "tokenizer_config.json"
    if path.exists():
        config = read_settings(path)
        if config.pop("chat_template", None) is not None:
            write_settings(path, config)


def _templates_in(home: Path) -> dict[str, str]:
    def text(path: Path) -> str | None:
        try:
            # Without a BOM, which every prompt would begin with.
            return path.read_text(encoding="utf-8-sig") if path.is_file() else None
        except UnicodeDecodeError as error:
            raise DamagedInput(f"{path} is no UTF-8 text: {error.reason}") from None

    files = sorted((home / FOLDER).glob("*.jinja"))
    return templates_in(
        lambda name: text(home / name),
        lambda name: read_settings(home / name) if (home / name).is_file() else None,
        {file.stem: text(file) or "" for file in files},
        str(home),
    )
