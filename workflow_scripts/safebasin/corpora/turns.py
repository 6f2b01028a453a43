"""Chat turns in the forms that data sets have: OpenAI's, ShareGPT's, and either as JSON text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from safebasin.corpora.texts import described, listed, plain, prose
from safebasin.errors import DamagedInput
from safebasin.strict_json import parse_json

_ROLES = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "prompter": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "bot": "assistant",
    "ai": "assistant",
    "model": "assistant",
    "tool": "tool",
}
"""What data sets call a speaker, and what chat templates do."""
_FORMS = (("role", "content"), ("from", "value"))
"""The keys of OpenAI's turns, and of ShareGPT's."""
_CALLS = ("tool_calls", "function_call")

Turn = dict[str, str]
"""``{"role": ..., "content": ...}``."""


def read_turns(value: Any, where: str) -> list[Turn]:
    """Return a conversation as role and content; ``where`` names file, row and column.

    Raises:
        DamagedInput: it is no list of turns, or a turn has no role that is known, calls a tool, or
            says nothing that is text.
    """
    value = plain(value, where)
    if isinstance(value, str):
        try:
            value = parse_json(value)
        except ValueError as error:
            raise DamagedInput(f"{where}: chat turns as text must be JSON ({error})") from error
    if not isinstance(value, list) or not value:
        raise DamagedInput(f"{where}: a list of chat turns is needed, and this is {_seen(value)}")
    return [_turn(each, f"{where}, turn {number}") for number, each in enumerate(value, start=1)]


def _seen(value: Any) -> str:
    return "empty" if value in (None, []) else described(value)


def _turn(value: Any, where: str) -> Turn:
    needed = "each turn needs 'role' and 'content' (or ShareGPT's 'from' and 'value')"
    if not isinstance(value, Mapping):
        raise DamagedInput(f"{where}: {needed}; this is {described(plain(value, where))}")
    forms = [form for form in _FORMS if value.get(form[0]) is not None]
    if len(forms) != 1 or forms[0][1] not in value:
        raise DamagedInput(f"{where}: {needed}; this has {listed(value)}")
    role = _role(value[forms[0][0]], where)
    if any(value.get(key) for key in _CALLS):
        raise DamagedInput(
            f"{where}: the {role} calls a tool, which is not said in text; leave such rows out"
        )
    said = prose(value[forms[0][1]], f"{where}: {forms[0][1]!r}")
    if said is None or (role == "user" and not said.strip()):
        raise DamagedInput(f"{where}: the {role} says nothing ({forms[0][1]!r} is empty)")
    return {"role": role, "content": said}


def _role(value: Any, where: str) -> str:
    told = plain(value, where)
    known = _ROLES.get(told.strip().casefold()) if isinstance(told, str) else None
    if known is None:
        shown = f"{told!r:.40}" if isinstance(told, str) else described(told)
        raise DamagedInput(f"{where}: the role {shown} is unknown; known are {', '.join(_ROLES)}")
    return known
