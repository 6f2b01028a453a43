"""What a study says of how a checkpoint's chat template is used; it travels with the checkpoint."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

SystemPlace = Literal["own_role", "into_first_user_turn"]

DATE = "2024-07-26"
"""The day that templates see, unless the study names another; it is Llama 3's own fallback."""
OURS = frozenset({"messages", "add_generation_prompt", "tools", "documents"})
"""Names that a template is given without being told by the study."""
_CALLERS = frozenset(
    {"chat_template", "tokenize", "continue_final_message", "conversation", "return_dict"}
    | {"strftime_now", "raise_exception"}
)
_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_]*")
_TRUTH = frozenset({"true", "false", "yes", "no"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatSettings:
    """How a checkpoint's chat template is used."""

    date: str = DATE
    """The day that the template sees, whatever the clock says."""
    system: SystemPlace = "own_role"
    """Where a system message goes: to the template's system role, or before the first user's text,
    for families that have no such role."""
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    """Values for the template's own names, such as ``enable_thinking``."""

    def as_json(self) -> dict[str, Any]:
        """Return them for a file."""
        return asdict(self)


def check_date(value: object) -> str:
    """Return a day as ``2024-07-26``; YAML reads one without quotes as a date.

    Raises:
        ValueError: it is no day.
    """
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        return value.isoformat()
    try:
        told = datetime.date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        told = None
    if told is None or told.isoformat() != value:
        raise ValueError(f"a day is needed, as in {DATE}")
    return told.isoformat()


def check_kwargs(kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return the values, where a template can take each of them for what is meant.

    Raises:
        ValueError: a name is none or not for a study to set, or a value is no such value.
    """
    if taken := sorted(kwargs.keys() & (OURS | _CALLERS)):
        raise ValueError(f"{', '.join(taken)}: what a template is given besides is set elsewhere")
    if odd := sorted(name for name in kwargs if not _NAME.fullmatch(name)):
        raise ValueError(f"{', '.join(odd)}: no name that a template can have (a_name is one)")
    if not _is_plain(kwargs):
        raise ValueError("a value is text, a number, true or false, or a list or mapping of them")
    for name, value in kwargs.items():
        if isinstance(value, str) and value.lower() in _TRUTH:
            raise ValueError(f"{name}: {value!r} is a text; true and false stand without quotes")
    return kwargs


def _is_plain(value: object) -> bool:
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and _is_plain(item) for key, item in value.items())
    if isinstance(value, list):
        return all(_is_plain(item) for item in value)
    return isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value))
