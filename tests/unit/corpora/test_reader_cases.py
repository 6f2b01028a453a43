"""Files as people have them: each is read right, or refused by file, row and column."""

from __future__ import annotations

import datetime
import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from safebasin.corpora.corpus import corpus_rows
from safebasin.corpora.readers.reader import make_reader
from safebasin.corpora.rows import CORPUS_SCHEMA, to_table
from safebasin.errors import DamagedInput, SafebasinError, StudyError

ALPACA = "{instruction}\n{input}"
CHAT = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
SHARED = [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]
CALL = {"role": "assistant", "content": None, "tool_calls": [{"type": "function"}]}
PARTS = [{"type": "text", "text": "q"}]
Content = str | bytes | list[Any] | pa.Table


def _read(folder: Path, content: Content, reader: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of a corpus, by the way that the step goes."""
    kind = "parquet" if isinstance(content, pa.Table) else reader.get("type", "csv")
    if isinstance(content, list):
        kind, content = "jsonl", "\n".join(json.dumps(each) for each in content)
    path = folder / f"t.{kind}"
    if isinstance(content, pa.Table):
        pq.write_table(content, path)
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    rows = corpus_rows(
        make_reader({"type": kind, "columns": {}, **reader}).read(folder),
        harmful=False,
        default_origin="x",
    )
    to_table(rows, CORPUS_SCHEMA)
    return rows


def _said(rows: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    return [(*(turn["content"] for turn in row["messages"]), row["response"]) for row in rows]


READ_RIGHT: dict[str, tuple[Content, dict[str, Any], list[tuple[Any, ...]]]] = {
    "Alpaca's null input is absent": (
        [
            {"instruction": "a", "input": "b", "output": "c"},
            {"instruction": "d", "input": None, "output": "e"},
        ],
        {"columns": {"prompt": "instruction", "response": "output"}, "template": ALPACA},
        [("a\nb", "c"), ("d\n", "e")],
    ),
    "a NaN input is absent": (
        '{"instruction": "a", "input": NaN}',
        {"type": "jsonl", "columns": {"prompt": "instruction"}, "template": ALPACA},
        [("a\n", None)],
    ),
    "a list column of one turn": (
        pa.table({"turns": [["a"], ["b"]]}),
        {"columns": {"prompt": "turns"}},
        [("a", None), ("b", None)],
    ),
    "ShareGPT turns": ([{"c": SHARED}], {"columns": {"messages": "c"}}, [("q", "a")]),
    "ShareGPT turns in Parquet, beside columns of the other form": (
        pa.Table.from_pylist([{"c": [{**turn, "role": None, "content": None} for turn in SHARED]}]),
        {"columns": {"messages": "c"}},
        [("q", "a")],
    ),
    "content parts": (
        [{"c": [{"role": "user", "content": PARTS}, {"role": "assistant", "content": "a"}]}],
        {"columns": {"messages": "c"}},
        [("q", "a")],
    ),
    "content parts as the prompt": ([{"prompt": PARTS}], {}, [("q", None)]),
    "turns as JSON text in CSV": (
        f'm\n"{json.dumps(CHAT)}"'.replace('"', '""').replace('m\n""', 'm\n"')[:-2] + '"',
        {"columns": {"messages": "m"}},
        [("q", "a")],
    ),
    "turns as JSON text in Parquet": (
        pa.table({"m": [json.dumps(SHARED)]}),
        {"columns": {"messages": "m"}},
        [("q", "a")],
    ),
    "roles in capitals": (
        [{"m": [{"role": "User", "content": "q"}, {"role": "Assistant", "content": "a"}]}],
        {"columns": {"messages": "m"}},
        [("q", "a")],
    ),
    "NaN for a missing response": (
        '{"prompt": "a", "response": "b"}\n{"prompt": "c", "response": NaN}',
        {"type": "jsonl", "columns": {"response": "response"}},
        [("a", "b"), ("c", None)],
    ),
    "a field of 200,000 characters": (
        f"prompt,response\na,{'w' * 200_000}\n",
        {"columns": {"response": "response"}},
        [("a", "w" * 200_000)],
    ),
    "text stored as bytes": (
        pa.table({"prompt": [b"a", "\u00e9".encode()]}),
        {},
        [("a", None), ("\u00e9", None)],
    ),
    "semicolons, BOM, CRLF, a line break and a doubled quote in a field": (
        '\ufefffrage;nr\r\n"Ein ""gr\u00f6\u00dferer""\r\nFluss";1\r\nK\u00e4se;2\r\n',
        {"columns": {"prompt": "frage"}, "delimiter": ";"},
        [('Ein "gr\u00f6\u00dferer"\r\nFluss', None), ("K\u00e4se", None)],
    ),
    "an index column without a name": (",prompt\n0,a\n1,b\n", {}, [("a", None), ("b", None)]),
    "whole numbers": (
        [{"a": 2, "b": 3, "s": 5}],
        {"columns": {"response": "s"}, "template": "{a} + {b} = {{?}}"},
        [("2 + 3 = {?}", "5")],
    ),
    "a list that is asked about among other prompts": (
        "prompt\n\"['a']\"\nb\n",
        {},
        [("['a']", None), ("b", None)],
    ),
    "a list of objects over many lines": (
        json.dumps([{"prompt": "a"}, {"prompt": "b"}], indent=2) + "\n",
        {"type": "jsonl"},
        [("a", None), ("b", None)],
    ),
    "OpenAI's developer is the system": (
        [{"m": [{"role": "developer", "content": "s"}, *CHAT]}],
        {"columns": {"messages": "m"}},
        [("s", "q", "a")],
    ),
    "an empty answer is none": (
        [{"prompt": "a", "r": ""}],
        {"columns": {"response": "r"}},
        [("a", None)],
    ),
}


@pytest.mark.parametrize("case", READ_RIGHT)
def test_these_are_read_right(tmp_path: Path, case: str) -> None:
    content, reader, rows = READ_RIGHT[case]

    assert _said(_read(tmp_path, content, reader)) == rows


REFUSED: dict[str, tuple[Content, dict[str, Any], str]] = {
    "a quote that is never closed": (
        'n,prompt,kind\n1,a,b\n2,"c,d\n3,e,f\n',
        {},
        r"t\.csv: row 2 \(line 3\), field 2 opens a quote that is never closed",
    ),
    "a quote that a later row closes": (
        'n,prompt\n1,"a\n2,"b"\n',
        {},
        r"row 1 \(line 2\), field 2: text follows a closing quote",
    ),
    "text after a closing quote": ('prompt\n"a"b\n', {}, r"row 1 \(line 2\).*text follows"),
    "a blank before a quote": ('n,prompt\n1, "a, b"\n', {}, "a blank stands before a quote"),
    "a short row": ("prompt,kind\na,b\n\nc\n", {}, r"row 2 \(line 4\) has fewer fields .*1, not 2"),
    "a long row": ("prompt,kind\na,b,c\n", {}, r"row 1 \(line 2\) has more fields .*3, not 2"),
    "two columns of one name": ("prompt,x,prompt\na,b,c\n", {}, "two columns are called 'prompt'"),
    "no header": ("", {}, "t.csv is empty"),
    "a header only": ("prompt\n", {}, "no row is in t.csv"),
    "another delimiter": ("nr;prompt\n1;a\n", {}, "no column 'prompt'; it has 'nr;prompt'; it is only one"),
    "a NUL character": ("prompt\na\nb\0\n", {}, "line 3 holds a NUL"),
    "Latin-1": ("prompt\na\ngr\u00f6\u00dfe".encode("latin-1"), {}, r"not in UTF-8 \(byte 0xf6 in line 3\)"),
    "UTF-16": ("prompt\na".encode("utf-16"), {}, "not in UTF-8.*UTF-16"),
    "a null prompt": ([{"prompt": "a"}, {"prompt": None}], {}, r"row 2 \(line 2\), column 'prompt': no prompt"),
    "a null prompt in a template": (
        [{"q": None, "i": "b"}],
        {"columns": {"prompt": "q"}, "template": "{q}: {i}"},
        "row 1.*column 'q': no prompt",
    ),
    "a template of nothing": (
        [{"a": None, "b": ""}],
        {"template": "{a}: {b}"},
        "row 1.*all columns of `template` are empty",
    ),
    "a null prompt in Parquet": (
        pa.table({"prompt": pa.array(["a", None])}),
        {},
        "row 2, column 'prompt': no prompt",
    ),
    "a column of NaN": (
        pa.table({"prompt": pa.array([float("nan")])}),
        {},
        "row 1, column 'prompt': no prompt",
    ),
    "a column without values": (pa.table({"prompt": pa.nulls(1)}), {}, "row 1, .*no prompt"),
    "several turns in a list": ([{"prompt": ["a", "b"]}], {}, "a list of 2 is no text"),
    "turns where a prompt is needed": ([{"prompt": CHAT}], {}, "columns: {messages"),
    "lists that were written as text": (
        "prompt\n\"['a']\"\n\"['b', 'c']\"\n",
        {},
        r"row 1 \(line 2\), column 'prompt': here and in all rows a list is written as text",
    ),
    "a text where a header should be": (
        f"{'w' * 60},b\nc,d\n",
        {},
        f"no column 'prompt'; it has '{'w' * 40}…', 'b'",
    ),
    "a structure": ([{"prompt": {"text": "a"}}], {}, "a structure with the keys 'text' is no text"),
    "a truth value as a response": (
        [{"prompt": "a", "r": True}],
        {"columns": {"response": "r"}},
        "column 'r': the truth value true is no text.*`labels`",
    ),
    "a fraction as a response": (
        [{"prompt": "a", "r": 0.1}],
        {"columns": {"response": "r"}},
        "column 'r': the number 0.1 is no text",
    ),
    "an image": (
        [{"prompt": [*PARTS, {"type": "image_url", "image_url": "u"}]}],
        {},
        "a content part of the type 'image_url'",
    ),
    "bytes that are no UTF-8": (pa.table({"prompt": [b"\xff"]}), {}, "row 1, .*not UTF-8"),
    "half a character": (
        '{"prompt": "a"}\n{"prompt": "b \\ud83d"}',
        {"type": "jsonl"},
        r"row 2 \(line 2\), column 'prompt': character 3 is half of one",
    ),
    "half a character in a turn": (
        '{"m": [{"role": "user", "content": "\\udc00"}]}',
        {"type": "jsonl", "columns": {"messages": "m"}},
        r"row 1 .*turn 1: 'content': character 1 is half of one",
    ),
    "a call of a tool": (
        [{"m": [CHAT[0], CALL, CHAT[1]]}],
        {"columns": {"messages": "m"}},
        r"row 1 \(line 1\), column 'm', turn 2: the assistant calls a tool",
    ),
    "a turn that says nothing": (
        [{"m": [CHAT[0], {"role": "assistant", "content": None}]}],
        {"columns": {"messages": "m"}},
        "turn 2: the assistant says nothing",
    ),
    "an unknown role": (
        [{"m": [{"role": "narrator", "content": "a"}]}],
        {"columns": {"messages": "m"}},
        "turn 1: the role 'narrator' is unknown; known are system, developer, user",
    ),
    "Python's form of turns as text": (
        [{"m": str(CHAT)}],
        {"columns": {"messages": "m"}},
        "row 1.*column 'm': chat turns as text must be JSON",
    ),
    "text where turns are needed": ([{"m": ["a"]}], {"columns": {"messages": "m"}}, "turn 1: each turn needs"),
    "nothing where turns are needed": ([{"m": None}], {"columns": {"messages": "m"}}, "this is empty"),
    "two answers": (
        [{"m": CHAT, "r": "b"}],
        {"columns": {"messages": "m", "response": "r"}},
        "the last turn is an answer, and the column 'r' has another",
    ),
    "an id twice": (
        '{"id": 1, "prompt": "a"}\n\n{"id": 1, "prompt": "b"}',
        {"type": "jsonl", "columns": {"id": "id"}},
        r"t.jsonl: row 2 \(line 3\) has the id '1', which t.jsonl: row 1 \(line 1\) has too",
    ),
    "a key twice": ('{"prompt": "a", "prompt": "b"}', {"type": "jsonl"}, "row 1 .*'prompt' stands twice"),
    "a number of 5,000 digits": ('{"prompt": ' + "1" * 5000 + "}", {"type": "jsonl"}, "row 1 .*is no JSON"),
    "deep nesting": ('{"prompt": ' + "[" * 100_000, {"type": "jsonl"}, "row 1 .*nested too deeply"),
    "a list of other things": ('[{"prompt": "a"}, "b"]', {"type": "jsonl"}, "row 2 is no JSON object"),
    "a list that is cut off": ('[{"prompt": "a"},', {"type": "jsonl"}, r"t\.jsonl is no JSON"),
    "a list in each line": ('["a"]\n["b"]', {"type": "jsonl"}, r"t\.jsonl is no JSON"),
    "a column of JSON that is misspelt": ([{"promt": "b"}], {}, "it has 'promt'$"),
    "what Git LFS lays in a file's place": (
        "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n",
        {},
        "t.csv is not the file itself .*Git LFS",
    ),
    "a compressed file": (gzip.compress(b"prompt\na\n"), {}, r"not in UTF-8 \(it is compressed with gzip\)"),
    "a spreadsheet": (b"PK\x03\x04\xff", {}, r"not in UTF-8 \(it is a ZIP archive or a spreadsheet\)"),
    "two other columns of one name in Parquet": (
        pa.Table.from_arrays([pa.array(["a"])] * 3, names=["prompt", "b", "b"]),
        {},
        "two columns are called 'b'; rename one",
    ),
    "Excel's note of the sign between fields": (
        "sep=;\r\nprompt;y\r\na;1\r\n",
        {"delimiter": ";"},
        'a note to Excel: set `comment: "sep="`',
    ),
    "a filter on dates": (
        pa.table({"prompt": ["a"], "day": [datetime.date(2024, 1, 2)]}),
        {"where": {"day": ["2024-01-02"]}},
        "row 1, column 'day': a value of the type date cannot be compared by `where`; write",
    ),
    "a file without lines": ("\n", {"type": "jsonl"}, "no row is in t.jsonl"),
    "a column that a row lacks": ([{"prompt": "a"}, {"promt": "b"}], {}, "row 2 .*no column 'prompt'; it has 'promt'"),
    "a label without a word": (
        [{"prompt": "a", "y": None}],
        {"columns": {"label": "y"}, "labels": {"0": "no"}},
        "column 'y': the label nothing has no word",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_these_are_refused_by_file_row_and_column(tmp_path: Path, case: str) -> None:
    content, reader, said = REFUSED[case]

    with pytest.raises(DamagedInput, match=said):
        _read(tmp_path, content, reader)


@pytest.mark.parametrize(
    ("labels", "value"),
    [
        ({"0": "no", "1": "yes"}, 1),
        ({"0": "no", "1": "yes"}, 1.0),
        ({"false": "no", "true": "yes"}, True),
        ({"False": "no", "True": "yes"}, True),
        ({"false": "no", "true": "yes"}, "TRUE"),
        ({"0": "no", "1": "yes"}, "1"),
    ],
)
def test_a_label_finds_its_word_by_value(
    tmp_path: Path, labels: dict[str, str], value: Any
) -> None:
    rows = _read(
        tmp_path,
        [{"prompt": "a", "y": value}],
        {"columns": {"label": "y", "response": "y"}, "labels": labels},
    )

    assert (rows[0]["label"], rows[0]["response"]) == ("yes", "yes")


@pytest.mark.parametrize(
    ("value", "read"),
    [(True, "true"), (1.0, "1"), (7, "7"), (["a"], "a"), (None, None), ("", None), (b"a", "a")],
)
def test_a_name_is_written_in_one_way(tmp_path: Path, value: Any, read: str | None) -> None:
    table = pa.table({"prompt": ["q"], "kind": [value]})

    rows = _read(tmp_path, table, {"columns": {"category": "kind", "group": "kind"}})

    assert (rows[0]["category"], rows[0]["group_key"]) == (read, read)


@pytest.mark.parametrize("pattern", ["../*.csv", "/etc/*", "a/../../x", "", "["])
def test_a_pattern_of_files_never_leaves_the_source(tmp_path: Path, pattern: str) -> None:
    (tmp_path / "x.csv").write_text("prompt\na\n")
    source = tmp_path / "source"
    source.mkdir()
    (source / "y.csv").write_text("prompt\nb\n")

    with pytest.raises(DamagedInput, match=r"names no file of the source; it has y\.csv"):
        make_reader({"type": "csv", "columns": {}, "path": pattern}).read(source)


def test_a_link_out_of_the_source_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("prompt\na\n")
    source = tmp_path / "source"
    source.mkdir()
    (source / "y.csv").symlink_to(tmp_path / "x.csv")

    with pytest.raises(DamagedInput, match=r"y\.csv is a link out of the source"):
        make_reader({"type": "csv", "columns": {}}).read(source)


@pytest.mark.parametrize(
    ("path", "read"),
    [("**/*.csv", ["b"]), ("*.csv", ["b"]), (".kept/*.csv", ["a"]), ("**/.kept/*.csv", ["a"])],
)
def test_hidden_files_are_read_where_they_are_asked_for(
    tmp_path: Path, path: str, read: list[str]
) -> None:
    copies = (".kept/a.csv", ".ipynb_checkpoints/b-checkpoint.csv", "._b.csv", "__MACOSX/b.csv")
    for name in (*copies, "b.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"prompt\n{Path(name).stem}\n")

    rows = make_reader({"type": "csv", "columns": {}, "path": path}).read(tmp_path)

    assert [row["prompt"] for row in rows] == read


def test_what_the_store_lays_beside_a_sources_files_is_no_part_of_it(tmp_path: Path) -> None:
    from safebasin.corpora.readers.files import OURS
    from safebasin.store.artifact import MANIFEST, RUN

    assert OURS == (MANIFEST, RUN)
    (tmp_path / MANIFEST).write_text("{}")
    (tmp_path / "rows.json").write_text('{"prompt": "a"}')

    rows = make_reader({"type": "jsonl", "columns": {}, "path": "*.json"}).read(tmp_path)

    assert [row["prompt"] for row in rows] == ["a"]


@pytest.mark.parametrize(
    "template", ["{a", "a}", "{}", "{ }", "no place", "{{a}}", "{a} {", "{a{b}}"]
)
def test_a_template_that_cannot_be_filled_is_refused(tmp_path: Path, template: str) -> None:
    with pytest.raises(StudyError, match="template"):
        _read(tmp_path, [{"a": "b"}], {"template": template})


def test_a_place_may_be_any_column(tmp_path: Path) -> None:
    rows = _read(tmp_path, [{"my column-1": "b"}], {"template": "<{my column-1}>"})

    assert _said(rows) == [("<b>", None)]


@pytest.mark.parametrize(
    "damage",
    [lambda raw: raw[:-20], lambda raw: raw[:40] + b"\xff" * 40 + raw[80:], lambda raw: b""],
)
def test_a_damaged_parquet_file_is_no_traceback(tmp_path: Path, damage: Any) -> None:
    pq.write_table(pa.table({"prompt": ["a" * 50] * 30}), tmp_path / "t.parquet")
    raw = (tmp_path / "t.parquet").read_bytes()
    (tmp_path / "t.parquet").write_bytes(damage(raw))

    with pytest.raises(SafebasinError, match=r"t\.parquet"):
        make_reader({"type": "parquet", "columns": {}}).read(tmp_path)


def test_text_in_parquet_that_is_no_utf8_is_named_by_its_row(tmp_path: Path) -> None:
    broken = pa.Array.from_buffers(
        pa.string(), 2, [None, pa.py_buffer(b"\0\0\0\0\1\0\0\0\2\0\0\0"), pa.py_buffer(b"a\xff")]
    )
    with pytest.raises(DamagedInput, match="row 2, column 'prompt'"):
        _read(tmp_path, pa.table({"prompt": broken}), {})


def test_two_columns_of_one_name_in_parquet_are_refused(tmp_path: Path) -> None:
    table = pa.table([["a"], ["b"]], names=["prompt", "prompt"])

    with pytest.raises(DamagedInput, match="two columns are called 'prompt'"):
        _read(tmp_path, table, {})
