"""Whatever a cell holds ends in its own text, or in one clear error."""

from __future__ import annotations

import contextlib
import datetime
import json
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safebasin.corpora.corpus import corpus_rows
from safebasin.corpora.readers.reader import make_reader
from safebasin.corpora.rows import CORPUS_SCHEMA, to_table
from safebasin.errors import SafebasinError

COLUMNS: list[dict[str, Any]] = [
    {"columns": {"prompt": "v"}},
    {"columns": {"prompt": "q"}, "template": "{q} and {v}"},
    {"columns": {"prompt": "q", "response": "v"}},
    {"columns": {"prompt": "q", "label": "v", "category": "v", "group": "v"}},
    {"columns": {"prompt": "q", "origin": "v", "id": "v"}},
    {"columns": {"prompt": "q", "label": "v", "response": "v"}, "labels": {"1": "a", "true": "b"}},
    {"columns": {"messages": "v"}},
    {"columns": {"prompt": "q"}, "where": {"v": ["a", 1, True]}},
]
WORDS = st.text("ab ", max_size=4)
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=True), WORDS)
KEYS = st.sampled_from(["role", "content", "from", "value", "type", "text", "tool_calls", "a"])
VALUES = st.recursive(
    LEAVES | st.sampled_from(["user", "gpt", "text"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)
TURNS = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["user", "assistant", "system"]), "content": VALUES}
    )
    | VALUES,
    max_size=3,
)


def _texts(folder: Path, kind: str, reader: dict[str, Any]) -> tuple[list[str], str]:
    """Return all texts of the corpus, and what is said where it is refused."""
    try:
        read = make_reader({"type": kind, **reader}).read(folder)
        rows = corpus_rows(read, harmful=False, default_origin="x")
    except SafebasinError as error:
        return [], str(error)
    written = to_table(rows, CORPUS_SCHEMA).to_pylist()
    texts = [
        text
        for row in written
        for text in (
            *(turn["content"] for turn in row["messages"]),
            row["response"], row["label"], row["category"], row["group_key"],
        )
        if text is not None
    ]  # fmt: skip
    return texts, ""


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(VALUES | TURNS, st.sampled_from(COLUMNS))
def test_json_of_any_shape_becomes_its_own_text_or_an_error(
    value: Any, reader: dict[str, Any]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "t.jsonl").write_text(json.dumps({"q": "a", "v": value}))
        texts, problem = _texts(Path(folder), "jsonl", reader)
    assert len(problem) < 400
    # Words are made of a, b and blanks, so signs of Python's or JSON's notation are not theirs.
    assert not [text for text in texts if set(text) & set("[]{}'\":NF")]


ARRAYS: dict[str, Any] = {
    "text": pa.array(["a"]),
    "large text": pa.array(["a"], pa.large_string()),
    "dictionary of text": pa.array(["a"]).dictionary_encode(),
    "bytes": pa.array([b"a"]),
    "large bytes": pa.array([b"a"], pa.large_binary()),
    "bytes of one length": pa.array([b"a"], pa.binary(1)),
    "list of text": pa.array([["a"]]),
    "large list of text": pa.array([["a"]], pa.large_list(pa.string())),
    "list of one length": pa.array([["a"]], pa.list_(pa.string(), 1)),
    "parts": pa.array([[{"type": "text", "text": "a"}]]),
    "turns": pa.array([[{"role": "user", "content": "a"}]]),
    "turns of parts": pa.array([[{"role": "user", "content": [{"type": "text", "text": "a"}]}]]),
    "none": pa.nulls(1),
    "missing text": pa.array([None], pa.string()),
    "list of none": pa.array([[None]], pa.list_(pa.string())),
    "empty list": pa.array([[]], pa.list_(pa.string())),
    "integer": pa.array([7]),
    "largest integer": pa.array([2**64 - 1], pa.uint64()),
    "truth": pa.array([True]),
    "fraction": pa.array([0.5], pa.float32()),
    "half": pa.array([1.0], pa.float32()).cast(pa.float16()),
    "NaN": pa.array([float("nan")]),
    "infinity": pa.array([float("inf")]),
    "decimal": pa.array([Decimal("1.50")]),
    "whole decimal": pa.array([Decimal("7")], pa.decimal256(70)),
    "date": pa.array([datetime.date(2020, 1, 2)]),
    "far date": pa.array([2**31 - 1], pa.int32()).cast(pa.date32()),
    "time": pa.array([datetime.time(1, 2)]),
    "moment": pa.array([1], pa.timestamp("ns", "Europe/Oslo")),
    "far moment": pa.array([2**62], pa.timestamp("us")),
    "duration": pa.array([1], pa.duration("ns")),
    "structure": pa.array([{"text": "a"}]),
    "structure of lists": pa.array([{"role": ["user"], "content": ["a"]}]),
    "map": pa.array([[("a", "b")]], pa.map_(pa.string(), pa.string())),
    "list of structures": pa.array([[{"a": 1}]]),
    "list of lists": pa.array([[["a"]]]),
}
OWN_TEXT = {"", "a", "b", "a and ", "a and a", "7", "a and 7", "1", "true", "18446744073709551615",
            "a and 18446744073709551615"}  # fmt: skip


@pytest.mark.parametrize("name", ARRAYS)
def test_a_parquet_type_becomes_its_own_text_or_an_error(tmp_path: Path, name: str) -> None:
    pq.write_table(pa.table({"q": ["a"], "v": ARRAYS[name]}), tmp_path / "t.parquet")

    for reader in COLUMNS:
        texts, problem = _texts(tmp_path, "parquet", reader)

        assert not problem or "'v'" in problem or ".v:" in problem
        assert "\n" not in problem
        assert set(texts) <= OWN_TEXT


@given(st.binary(max_size=60), st.sampled_from(["csv", "jsonl", "parquet", "yaml_seeds"]))
def test_bytes_of_any_kind_are_no_traceback(raw: bytes, kind: str) -> None:
    options: dict[str, Any] = (
        {"path": "t"} if kind == "yaml_seeds" else {"path": "t", "columns": {}}
    )
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "t").write_bytes(raw)
        with contextlib.suppress(SafebasinError):
            make_reader({"type": kind, **options}).read(Path(folder))
