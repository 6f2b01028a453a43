"""Which rows of a table are kept: ``where`` and ``exclude``.

Booleans and numbers are compared by value, whatever they are written as: ``true`` is ``True`` and
``TRUE``, 1 is ``1.0`` and ``"01"``. Text that the study puts in quotes and text in the table are
equal where they are letter for letter the same. 1 and ``true`` (0 and ``false``) are one thing only
in a column that holds nothing else. An empty text stands for a missing value.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, DecimalException
from typing import Any, Protocol

from safebasin.corpora.texts import described, plain
from safebasin.errors import DamagedInput

Scalar = str | bool | int | float
_NUMBER = re.compile(r"[-+]?(\d++(\.\d*+)?|\.\d++)([eE][-+]?\d{1,4})?", re.ASCII)
_TRUTH = {"true": True, "false": False}
_WORDS = frozenset({"yes", "no", "on", "off"})
"""What YAML reads as truth values where it stands without quotes."""
_LISTED, _LONGEST = 8, 40


class Row(Protocol):
    """What a filter looks at."""

    @property
    def where(self) -> str:
        """The file and row."""

    def value(self, column: str) -> Any:
        """Return the cell in ``column``."""


@dataclass(frozen=True, slots=True)
class _Value:
    """A cell, or what a study asks for: as text where it is text, and by value."""

    text: str | None
    value: Decimal | bool | None

    def fits(self, wanted: _Value, is_truth: bool) -> bool:
        if self.text is not None and wanted.text is not None:
            return self.text == wanted.text
        one, other = (_as_truth(each.value, is_truth) for each in (self, wanted))
        return one is not None and isinstance(one, bool) == isinstance(other, bool) and one == other


def kept_rows(
    rows: Sequence[Row],
    where: Mapping[str, Sequence[Scalar]],
    exclude: Mapping[str, Sequence[Scalar]],
) -> list[int]:
    """Return the places of the rows that fit all of ``where`` and nothing of ``exclude``.

    Raises:
        DamagedInput: a value fits no row, a cell is no single value, or no row is left.
    """
    kept = set(range(len(rows)))
    for column, values in where.items():
        kept &= _fitting(rows, "where", column, values)
    for column, values in exclude.items():
        kept -= _fitting(rows, "exclude", column, values)
    if not kept:
        raise DamagedInput(f"no row is left: `where` and `exclude` keep none of the {len(rows)}")
    return sorted(kept)


def fits(cell: Any, wanted: str) -> bool:
    """Return whether a cell is what a text in a study says of it."""
    told, key = _value(cell), _value(wanted)
    if isinstance(key.value, bool):
        key = _Value(None, key.value)  # a key of a mapping is text, whatever was written
    return told.fits(key, is_truth=False)


def _fitting(rows: Sequence[Row], key: str, column: str, values: Sequence[Scalar]) -> set[int]:
    """Return the places of the rows whose cell is one of ``values``."""
    cells = [_cell(row, key, column) for row in rows]
    told = [_value(cell) for cell in cells]
    is_truth = all(
        isinstance(each.value, bool) or each.value in (0, 1) for each in told if each.text != ""
    )
    found: set[int] = set()
    for value in values:
        wanted = _value(value)
        of_value = {row for row, each in enumerate(told) if each.fits(wanted, is_truth)}
        if not of_value:
            raise DamagedInput(_fits_none(key, column, value, cells))
        found |= of_value
    _refuse_lookalikes(rows, key, column, values, told, found)
    return found


def _refuse_lookalikes(
    rows: Sequence[Row],
    key: str,
    column: str,
    values: Sequence[Scalar],
    told: Sequence[_Value],
    found: set[int],
) -> None:
    """Refuse cells that are passed over for what nobody sees, such as a blank at their end."""
    asked = {_as_seen(value): value for value in values if isinstance(value, str)}
    for row, cell in enumerate(told):
        if row not in found and cell.text is not None and (seen := _as_seen(cell.text)) in asked:
            raise DamagedInput(
                f"{rows[row].where}, column {column!r}: {cell.text!r} looks like {asked[seen]!r} "
                f"of `{key}` and is not the same (blanks, invisible signs or the Unicode form); "
                "mend the table, or list both"
            )


def _as_seen(text: str) -> str:
    composed = unicodedata.normalize("NFC", text)
    return " ".join(
        "".join(each for each in composed if unicodedata.category(each) != "Cf").split()
    )


def _cell(row: Row, key: str, column: str) -> Scalar | Decimal:
    where = f"{row.where}, column {column!r}"
    value = plain(row.value(column), where)
    if value is None:
        return ""
    if not isinstance(value, (str, bool, int, float, Decimal)):
        raise DamagedInput(
            f"{where}: {described(value)} cannot be compared by `{key}`; "
            "write the column as text, numbers or truth values"
        )
    return value


def _value(cell: Any) -> _Value:
    if isinstance(cell, bool):
        return _Value(None, cell)
    if not isinstance(cell, str):
        return _Value(None, Decimal(repr(cell) if isinstance(cell, float) else cell))
    if _NUMBER.fullmatch(cell):
        return _Value(cell, _number(cell))
    return _Value(cell, _TRUTH.get(cell.casefold()))


def _number(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except DecimalException:
        return None


def _as_truth(value: Decimal | bool | None, is_truth: bool) -> Decimal | bool | None:
    return bool(value) if is_truth and value in (0, 1) and value is not None else value


def _fits_none(key: str, column: str, value: Scalar, cells: Sequence[Any]) -> str:
    """Return what is said of a value that no row has."""
    held = Counter(_shown(cell) for cell in cells).most_common()
    listed = ", ".join(f"{shown} ({times})" for shown, times in held[:_LISTED])
    more = f" and {len(held) - _LISTED} others" if len(held) > _LISTED else ""
    cure = ""
    if isinstance(value, bool) and any(str(cell).casefold() in _WORDS for cell in cells):
        cure = '; to YAML a bare yes, no, on or off is a truth value: put it in quotes, "no"'
    return f"{key}.{column}: {_shown(value)} fits no row; the column holds {listed}{more}{cure}"


def _shown(cell: Any) -> str:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if not isinstance(cell, str):
        return str(cell)
    if not cell:
        return "nothing"
    return repr(cell) if len(cell) <= _LONGEST else f"a text of {len(cell)} characters"
