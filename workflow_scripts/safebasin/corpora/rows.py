"""The schemas of corpora, splits and mixtures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

ROWS = "rows.parquet"

Row = dict[str, Any]
"""One row as plain values, keyed by column."""

_MESSAGE = pa.struct([pa.field("role", pa.string()), pa.field("content", pa.string())])
_CORPUS = [
    pa.field("id", pa.string(), nullable=False),
    pa.field("messages", pa.list_(_MESSAGE), nullable=False),
    pa.field("response", pa.string()),
    pa.field("label", pa.string()),
    pa.field("category", pa.string()),
    pa.field("origin", pa.string(), nullable=False),
    pa.field("harmful", pa.bool_(), nullable=False),
    pa.field("group_key", pa.string()),
]
CORPUS_SCHEMA = pa.schema(_CORPUS)
"""``group_key``: rows with an equal one belong together and are never split apart."""

SPLIT_SCHEMA = pa.schema(
    [
        *_CORPUS,
        pa.field("corpus", pa.string(), nullable=False),
        pa.field("split", pa.string(), nullable=False),
        pa.field("group", pa.int64(), nullable=False),
    ]
)
MIXTURE_SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("messages", pa.list_(_MESSAGE), nullable=False),
        pa.field("response", pa.string()),
        pa.field("source", pa.string(), nullable=False),
        pa.field("corpus", pa.string(), nullable=False),
        pa.field("group", pa.int64(), nullable=False),
    ]
)


def to_table(rows: Sequence[Row], schema: pa.Schema) -> pa.Table:
    """Return ``rows`` as a table of ``schema``; a missing nullable column is null."""
    return pa.Table.from_pylist(list(rows), schema=schema)


def read_rows(folder: Path) -> list[Row]:
    """Return the rows of the corpus, split or mixture in ``folder``."""
    rows: list[Row] = pq.read_table(folder / ROWS).to_pylist()
    return rows


def prompt_text(row: Mapping[str, Any]) -> str:
    """Return what the user says in ``row``: the text that near-duplicates are judged by."""
    return "\n".join(each["content"] for each in row["messages"] if each["role"] == "user")
