"""Rows from Parquet files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic.dataclasses import dataclass

from safebasin.corpora.readers.columns import STRICT, Record, TableOptions
from safebasin.corpora.texts import listed
from safebasin.errors import DamagedInput


@dataclass(frozen=True, kw_only=True, config=STRICT)
class ParquetReader(TableOptions):
    """Reads Parquet tables."""

    path: str = "**/*.parquet"

    def records(self, path: Path, file: str) -> Iterator[Record]:
        """Yield the rows, with the columns that are asked for.

        Raises:
            DamagedInput: the file is no Parquet, or lacks a column, or a value is none.
        """
        try:
            _refuse_repeated(pq.read_schema(path).names, file)
            table = pq.read_table(path)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise DamagedInput(f"{file} is no Parquet file ({error})") from error
        columns = {name: _cells(table, name, file) for name in self.asked() if table.num_rows}
        for row in range(table.num_rows):
            cells = {name: values[row] for name, values in columns.items()}
            yield Record(where=f"{file}: row {row + 1}", cells=cells)


def _refuse_repeated(names: Sequence[str], file: str) -> None:
    repeated = [name for name in names if names.count(name) > 1]
    if repeated:
        raise DamagedInput(f"{file}: two columns are called {repeated[0]!r}; rename one")


def _cells(table: pa.Table, name: str, file: str) -> list[Any]:
    """Return a column as Python values.

    Raises:
        DamagedInput: there is no such column, or a value has no form in Python (text that is not
            UTF-8, a year beyond 9999).
    """
    if name not in table.column_names:
        held = listed(table.column_names)
        raise DamagedInput(f"{file}: there is no column {name!r}; it has {held}")
    values = []
    for row, value in enumerate(table.column(name), start=1):
        try:
            values.append(value.as_py())
        except (ValueError, OverflowError, ArithmeticError, pa.ArrowException) as error:
            reason = error.reason if isinstance(error, UnicodeDecodeError) else error
            raise DamagedInput(
                f"{file}: row {row}, column {name!r}: a value of the type {value.type} does not "
                f"read ({reason})"
            ) from error
    return values
