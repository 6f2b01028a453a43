from __future__ import annotations

import csv
import io
from typing import Literal

from hypothesis import given
from hypothesis import strategies as st
from safebasin.corpora.readers.csv_syntax import csv_rows
from safebasin.errors import DamagedInput

FIELD = st.text('ab ",;\n\r\u00e9x', max_size=6)
QUOTING: list[Literal[0, 1]] = [csv.QUOTE_MINIMAL, csv.QUOTE_ALL]


def _fields(text: str, delimiter: str = ",") -> list[list[str]]:
    return [fields for _, fields in csv_rows(text, delimiter, "t.csv", 1)]


@given(
    st.lists(st.lists(FIELD, min_size=1, max_size=4), min_size=1, max_size=5),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(QUOTING),
)
def test_what_pythons_writer_writes_is_read(
    rows: list[list[str]], delimiter: str, quoting: Literal[0, 1]
) -> None:
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=delimiter, quoting=quoting).writerows(rows)

    assert _fields(file.getvalue(), delimiter) == rows


@given(st.text('ab",\n\r ', max_size=30))
def test_what_is_read_is_what_pythons_strict_reader_reads(text: str) -> None:
    try:
        read = _fields(text)
    except DamagedInput:
        return  # stricter: a blank before a quote
    assert read == [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]


def test_a_row_is_told_by_its_number_and_the_line_that_it_begins_in() -> None:
    told = [where for where, _ in csv_rows('a,b\n"1\n2",3\n\n4,5\n', ",", "t.csv", 3)]

    assert told == ["t.csv: the header (line 3)", "t.csv: row 1 (line 4)", "t.csv: row 2 (line 7)"]
