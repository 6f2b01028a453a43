"""Rows from comma separated tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from safebasin.corpora.readers.columns import STRICT, Record, TableOptions
from safebasin.corpora.readers.csv_syntax import csv_rows
from safebasin.corpora.readers.files import read_text
from safebasin.errors import DamagedInput


@dataclass(frozen=True, kw_only=True, config=STRICT)
class CsvReader(TableOptions):
    """Reads comma separated tables with a header line, in UTF-8."""

    path: str = "**/*.csv"
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    comment: str | None = None
    """Lines above the header that begin with this are skipped."""

    def records(self, path: Path, file: str) -> Iterator[Record]:
        """Yield the rows below the header; everything in them is text.

        Raises:
            DamagedInput: the file is no CSV, has no header, two columns of one name, or a row with
                more or fewer fields than the header.
        """
        text, above = self._below(read_text(path, file))
        rows = csv_rows(text, self.delimiter, file, above + 1)
        _, header = next(rows, (file, None))
        if header is None:
            raise DamagedInput(f"{file} is empty; a table begins with a header line")
        repeated = [name for name, times in Counter(header).items() if times > 1 and name]
        if repeated:
            raise DamagedInput(f"{file}: two columns are called {repeated[0]!r}; rename one")
        for where, fields in rows:
            if len(fields) != len(header):
                many = "more" if len(fields) > len(header) else "fewer"
                raise DamagedInput(
                    f"{where} has {many} fields than the header ({len(fields)}, not "
                    f"{len(header)}); set 'delimiter', or 'comment' where lines stand above the "
                    "header, or put the field that holds a delimiter in quotes"
                )
            yield Record(where=where, cells=dict(zip(header, fields, strict=True)))

    def _below(self, text: str) -> tuple[str, int]:
        """Return the text below the comment lines, and how many there are."""
        above = 0
        while self.comment and text.startswith(self.comment):
            text = text.partition("\n")[2]
            above += 1
        return text, above
