"""Rows from JSON Lines files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic.dataclasses import dataclass

from safebasin.corpora.readers.columns import STRICT, Record, TableOptions
from safebasin.corpora.readers.files import read_text
from safebasin.corpora.strict_json import parse_json
from safebasin.errors import DamagedInput


@dataclass(frozen=True, kw_only=True, config=STRICT)
class JsonlReader(TableOptions):
    """Reads files with one JSON object a line; empty lines are skipped."""

    path: str = "**/*.jsonl"

    def records(self, path: Path, file: str) -> Iterator[Record]:
        """Yield the objects.

        Raises:
            DamagedInput: a line is no JSON object, or has a key twice.
        """
        row = 0
        for number, line in enumerate(read_text(path, file).split("\n"), start=1):
            if not line.strip():
                continue
            row += 1
            where = f"{file}: row {row} (line {number})"
            try:
                cells = parse_json(line)
            except ValueError as error:
                raise DamagedInput(f"{where} is no JSON ({error})") from error
            if not isinstance(cells, dict):
                raise DamagedInput(f"{where} is no JSON object; one is needed in each line")
            yield Record(where=where, cells=cells)
