"""What may become text, and what may not: a missing value is none, and a list is no sentence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from numbers import Integral, Real
from typing import Any

from safebasin.errors import DamagedInput

_EXACT = 2**53
"""Below this, a float without a fraction is the whole number that it was made from."""
_LISTED, _LONGEST = 12, 40


def plain(value: Any, where: str) -> Any:
    """Return a value as Python has it: a missing one is None, UTF-8 bytes are text.

    ``NaN`` is how tables of numbers write that there is none. Lists and whatever else is no
    single value stay what they are.

    Raises:
        DamagedInput: bytes are not UTF-8, or a text holds half a character.
    """
    if isinstance(value, bytes):
        try:
            value = value.decode("utf-8")
        except UnicodeDecodeError as error:
            raise DamagedInput(f"{where}: {len(value)} bytes that are not UTF-8") from error
    if isinstance(value, str):
        return _whole(value, where)
    if isinstance(value, bool):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return None if value != value else float(value)
    return None if isinstance(value, Decimal) and value.is_nan() else value


def prose(value: Any, where: str) -> str | None:
    """Return what is said in a cell, or None where nothing is.

    Besides text that is a whole number, a list of one, and OpenAI's content parts, joined as chat
    templates join them.

    Raises:
        DamagedInput: the value is anything else; ``where`` names file, row and column.
    """
    value = plain(value, where)
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, list) and value and all(_is_part(each) for each in value):
        return "".join(_part(each, where) for each in value)
    if isinstance(value, list) and len(value) == 1 and not isinstance(value[0], (list, Mapping)):
        return prose(value[0], where)
    raise DamagedInput(f"{where}: {described(value)} is no text{_cure(value)}")


def name(value: Any, where: str) -> str | None:
    """Return the name of a class, an id or a group, or None where there is none.

    Besides text that is a whole number (``1.0`` is one: so tables write 1 beside missing values), a
    truth value as JSON writes it, and a list of one.

    Raises:
        DamagedInput: the value is anything else; ``where`` names file, row and column.
    """
    value = plain(value, where)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (float, Decimal)) and _is_whole(value):
        return str(int(value))
    if isinstance(value, list) and len(value) == 1 and not isinstance(value[0], list):
        return name(value[0], where)
    return prose(value, where)


def _is_whole(value: float | Decimal) -> bool:
    return -_EXACT < value < _EXACT and value == int(value)


def described(value: Any) -> str:
    """Return what kind of value this is, in words; long contents are not shown."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return f"the truth value {'true' if value else 'false'}"
    if isinstance(value, (int, float, Decimal)):
        return f"the number {value}"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, Mapping):
        return f"a structure with the keys {listed(value)}"
    return f"a value of the type {type(value).__name__}"


def listed(names: Iterable[object]) -> str:
    """Return names of columns for a message: neither all nor whole, since they may be texts.

    So they are where a table has no header line.
    """
    known = [
        repr(each if len(each) <= _LONGEST else f"{each[:_LONGEST]}…") for each in map(str, names)
    ]
    more = f" and {len(known) - _LISTED} others" if len(known) > _LISTED else ""
    return f"{', '.join(known[:_LISTED])}{more}" if known else "none"


def _whole(text: str, where: str) -> str:
    """Return ``text``, in which no character is a lone half of a pair (of a cut-off emoji)."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise DamagedInput(
            f"{where}: character {error.start + 1} is half of one (a lone surrogate "
            f"\\u{ord(text[error.start]):04x}), as where a text was cut; mend or drop the row"
        ) from error
    return text


def _is_part(value: Any) -> bool:
    return isinstance(value, Mapping) and isinstance(value.get("type"), str)


def _part(part: Mapping[str, Any], where: str) -> str:
    if part["type"] not in ("text", "input_text", "output_text"):
        raise DamagedInput(
            f"{where}: a content part of the type {part['type']!r:.40} is no text; leave such "
            "rows out"
        )
    said = plain(part.get("text"), where)
    if not isinstance(said, str):
        raise DamagedInput(f"{where}: a content part has no text")
    return said


def _cure(value: Any) -> str:
    if isinstance(value, bool):
        return "; write words in the table, or give `labels` the word for each truth value"
    if isinstance(value, (float, Decimal)):
        return "; write it as text in the table, as it should be read"
    turns = [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else ()
    if any("role" in turn or "from" in turn for turn in turns):
        return "; for chat turns say `columns: {messages: …}`"
    return "; text, or a list of one text, is needed"
