"""Rows from JSON Lines files, and from files that are one JSON list."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic.dataclasses import dataclass

from safebasin.corpora.readers.columns import STRICT, Record, TableOptions
from safebasin.corpora.readers.files import read_text
from safebasin.errors import DamagedInput
from safebasin.strict_json import parse_json


@dataclass(frozen=True, kw_only=True, config=STRICT)
class JsonlReader(TableOptions):
    """Reads files with one JSON object a line or one list of them; empty lines are skipped."""

    path: str = "**/*.jsonl"

    def records(self, path: Path, file: str) -> Iterator[Record]:
        """Yield the objects.

        Raises:
            DamagedInput: a line or an entry is no JSON object, or has a key twice.
        """
        text = read_text(path, file)
        rows = _entries(text, file) if text.lstrip().startswith("[") else _lines(text, file)
        for where, cells in rows:
            if not isinstance(cells, dict):
                raise DamagedInput(
                    f"{where} is no JSON object; one is needed in each line, or a list of them"
                )
            yield Record(where=where, cells=cells)


def _lines(text: str, file: str) -> Iterator[tuple[str, Any]]:
    row = 0
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            row += 1
            where = f"{file}: row {row} (line {number})"
            yield where, _parsed(line, where)


def _entries(text: str, file: str) -> Iterator[tuple[str, Any]]:
    for row, entry in enumerate(_parsed(text, file), start=1):
        yield f"{file}: row {row}", entry


def _parsed(text: str, where: str) -> Any:
    try:
        return parse_json(text)
    except ValueError as error:
        raise DamagedInput(f"{where} is no JSON ({error})") from error
