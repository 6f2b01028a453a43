"""Which columns of a table mean what, and which of its rows are kept."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from safebasin.corpora.readers.files import find_files
from safebasin.corpora.readers.filters import Scalar, fits, kept_rows
from safebasin.corpora.texts import described, listed, name, plain, prose
from safebasin.corpora.turns import read_turns
from safebasin.errors import DamagedInput
from safebasin.row_template import RowTemplate, RowTemplateText, parse_template

STRICT = ConfigDict(extra="forbid")
_LIST = re.compile(r"""\s*\[\s*(['"]).*\1\s*\]\s*""", re.DOTALL)
_DELIMITERS = frozenset(",;|\t")
_NAMES = ("label", "category", "origin", "id", "group")


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Columns:
    """The name that each meaning has in the table; the prompt comes from one of the first two."""

    prompt: str | None = None
    messages: str | None = None
    """A column of chat turns; a last turn of the assistant is the response."""
    response: str | None = None
    label: str | None = None
    category: str | None = None
    origin: str | None = None
    id: str | None = None
    group: str | None = None
    """Rows with an equal value are never split apart."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One row of a table as it stands there."""

    where: str
    """The file and the row, for messages: rows count from 1 below the header."""
    cells: Mapping[str, Any]

    def value(self, column: str) -> Any:
        """Return the cell in ``column``.

        Raises:
            DamagedInput: there is no such column.
        """
        if column in self.cells:
            return self.cells[column]
        unparted = len(self.cells) == 1 and _DELIMITERS & set(*self.cells)
        hint = "; it is only one: is `delimiter` right?" if unparted else ""
        if next(iter(self.cells), "").startswith("sep="):
            hint = '; the first line is a note to Excel: set `comment: "sep="`'
        raise DamagedInput(
            f"{self.where}: there is no column {column!r}; it has {listed(self.cells)}{hint}"
        )

    def at(self, column: str) -> str:
        """Return the file, the row and the column, for messages."""
        return f"{self.where}, column {column!r}"


@dataclass(frozen=True, kw_only=True, config=STRICT)
class TableOptions:
    """Options that every reader of tables takes, and what they do with the tables' rows."""

    columns: Columns
    path: str = "**/*"
    where: dict[str, list[Scalar]] | None = None
    """Column to the values that are kept; each must fit a row."""
    exclude: dict[str, list[Scalar]] | None = None
    """Column to the values that are left out; each must fit a row."""
    template: RowTemplateText | None = None
    """The prompt, with ``{prompt}`` or ``{COLUMN}`` where a value goes in."""
    labels: dict[str, str] | None = None
    """The word for each value of the label column, and of the response column if it is the same."""

    def records(self, path: Path, file: str) -> Iterator[Record]:
        """Yield the rows of the file at ``path``; ``file`` names it in messages."""
        raise NotImplementedError

    def read(self, folder: Path) -> list[dict[str, Any]]:
        """Return the rows of all files that ``path`` names, in name order.

        Raises:
            DamagedInput: a file does not read, a named column is not in it, a value is not what
                its column should hold, or no row is left.
        """
        files = find_files(folder, self.path)
        records = [
            record
            for file in files
            for record in self.records(file, file.relative_to(folder).as_posix())
        ]
        if not records:
            raise DamagedInput(f"no row is in {', '.join(file.name for file in files[:8])}")
        kept = kept_rows(records, self.where or {}, self.exclude or {})
        rows = [self._row(records[place]) for place in kept]
        self._refuse_written_lists([records[place] for place in kept])
        return rows

    def asked(self) -> list[str]:
        """Return the columns that are looked at."""
        named = [getattr(self.columns, each.name) for each in dataclasses.fields(Columns)]
        places = [self._column(place) for place in self._template.places]
        prompt = [] if self.columns.messages else places
        columns = [*filter(None, named), *prompt, *(self.where or ()), *(self.exclude or ())]
        return list(dict.fromkeys(columns))

    def _row(self, record: Record) -> dict[str, Any]:
        columns = self.columns
        row: dict[str, Any] = {"where": record.where}
        for meaning in _NAMES:
            column = getattr(columns, meaning)
            row["group_key" if meaning == "group" else meaning] = (
                None if column is None else self._name(record, column, meaning)
            )
        if self.labels is not None and columns.response == columns.label:
            row["response"] = row["label"]
        elif columns.response is not None:
            row["response"] = prose(record.value(columns.response), record.at(columns.response))
        if columns.messages is None:
            row["prompt"] = self._prompt(record)
        else:
            self._converse(row, record, columns.messages)
        # An empty answer says nothing, and is not learnt from.
        row["response"] = row.get("response") or None
        return row

    def _name(self, record: Record, column: str, meaning: str) -> str | None:
        value = record.value(column)
        if meaning == "label" and self.labels is not None:
            return self._word(value, record.at(column))
        # An empty cell says nothing; taken as a group it would chain all such rows.
        return name(value, record.at(column)) or None

    def _converse(self, row: dict[str, Any], record: Record, column: str) -> None:
        """Put the turns into ``row``, and a last one of the assistant as the response."""
        turns = read_turns(record.value(column), record.at(column))
        if turns[-1]["role"] == "assistant":
            said = turns.pop()["content"]
            if row.get("response") not in (None, "", said):
                raise DamagedInput(
                    f"{record.at(column)}: the last turn is an answer, and the column "
                    f"{self.columns.response!r} has another one; name one of them"
                )
            row["response"] = said
        row["messages"] = turns

    @cached_property
    def _template(self) -> RowTemplate:
        return parse_template("{prompt}" if self.template is None else self.template)

    def _refuse_written_lists(self, records: Sequence[Record]) -> None:
        """Refuse a prompt column whose every cell is a list in Python's or JSON's notation.

        So lists end up in CSV. A single such prompt may be meant so, a whole column is not.
        """
        for column in [] if self.columns.messages else map(self._column, self._template.places):
            cells = [cell for record in records if (cell := record.value(column))]
            if cells and all(isinstance(cell, str) and _LIST.fullmatch(cell) for cell in cells):
                raise DamagedInput(
                    f"{records[0].at(column)}: here and in all rows a list is written as text, as "
                    "in ['…']; write what is in it, or store it as a list (JSON Lines, Parquet)"
                )

    def _column(self, place: str) -> str:
        named = self.columns.prompt
        return named if place == "prompt" and named is not None else place

    def _prompt(self, record: Record) -> str:
        """Return the prompt; what is missing of it is left empty, as in Alpaca's own files.

        Raises:
            DamagedInput: all of it is missing, or the column that is called the prompt's.
        """
        said = {}
        for place in self._template.places:
            column = self._column(place)
            said[place] = prose(record.value(column), record.at(column)) or ""
            if not said[place].strip() and column == (self.columns.prompt or "prompt"):
                raise DamagedInput(f"{record.at(column)}: no prompt; give one or leave the row out")
        if not "".join(said.values()).strip():
            raise DamagedInput(f"{record.where}: no prompt: all columns of `template` are empty")
        return self._template.filled(said.__getitem__)

    def _word(self, value: Any, where: str) -> str:
        words = self.labels or {}
        told = plain(value, where)
        if isinstance(told, str) and told in words:
            return words[told]
        if told is not None and isinstance(told, (str, bool, int, float)):
            for key, word in words.items():
                if fits(told, key):
                    return word
        seen = repr(told) if isinstance(told, str) else described(told)
        raise DamagedInput(f"{where}: the label {seen:.60} has no word in 'labels' {words!r}")
