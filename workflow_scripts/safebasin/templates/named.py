"""Which chat templates a checkpoint brings, and which of them is used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from safebasin.errors import DamagedInput, StudyError

DEFAULT = "default"
TEMPLATE_FILE = "chat_template.jinja"
FOLDER = "additional_chat_templates"
OLD_FILE = "chat_template.json"
"""Where processors kept it; text models of the same makers have it too."""

ReadText = Callable[[str], str | None]
"""A file's name to its text; None where there is none."""
ReadSettings = Callable[[str], Mapping[str, Any] | None]
"""A file's name to the JSON object in it; None where there is none."""


def templates_in(
    read_text: ReadText, read_settings: ReadSettings, more: Mapping[str, str], name: str
) -> dict[str, str]:
    """Return name to text of the templates among a checkpoint's files, as transformers finds them.

    Args:
        read_text: Reads ``chat_template.jinja``.
        read_settings: Reads ``tokenizer_config.json``.
        more: Name to text of what lies in ``additional_chat_templates``.
        name: Whose files they are.

    Raises:
        DamagedInput: what stands for a template in them is none.
    """
    text = read_text(TEMPLATE_FILE)
    found = {} if text is None else {DEFAULT: text}
    if found or more:
        return {**found, **more}
    for file in ("tokenizer_config.json", OLD_FILE):
        told = (read_settings(file) or {}).get("chat_template")
        if found := _templates_of(told, f"{name}: {file}"):
            return found
    return {}


def choose_template(templates: Mapping[str, str], wanted: str | None, name: str) -> str | None:
    """Return the template of that name, or the one that is used unless another is named.

    Raises:
        StudyError: there are several and none of that name, or none that is the default.
    """
    if wanted is None and not templates:
        return None
    chosen = DEFAULT if wanted is None else wanted
    if chosen in templates:
        return templates[chosen]
    seen = ", ".join(sorted(templates)) or "none"
    what = f"no chat template is named {chosen!r}" if wanted else "no chat template is the default"
    cure = f"name one as the checkpoint's `chat_template_name`, or give a `chat_template`; {seen}"
    raise StudyError(f"{name}: {what}; {cure} {'are' if ',' in seen else 'is'} there")


def _templates_of(told: object, where: str) -> dict[str, str]:
    """Return a config's templates: one text, or several with names."""
    if told is None or told == "":
        return {}
    if isinstance(told, str):
        return {DEFAULT: told}
    named = told
    if isinstance(told, list):
        named = {
            each.get("name"): each.get("template") if isinstance(each, dict) else None
            for each in told
            if isinstance(each, dict)
        }
        if len(named) != len(told):
            named = None
    if not isinstance(named, dict) or not all(
        isinstance(key, str) and isinstance(text, str) for key, text in named.items()
    ):
        raise DamagedInput(
            f"{where}: chat_template is neither a text nor a list of names with templates"
        )
    return named
