from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from safebasin.corpora.readers.reader import make_reader
from safebasin.errors import DamagedInput, StudyError

RECORDS = [
    {"text": "one", "kind": "x", "answer": 1},
    {"text": "two {prompt}", "kind": "y", "answer": 0},
    {"text": "three", "kind": "z", "answer": 1},
]


def _read(folder: Path, **options: Any) -> list[dict[str, Any]]:
    return make_reader(options).read(folder)


def _write_table(folder: Path, name: str) -> None:
    if name == "csv":
        lines = ["text,kind,answer", *(f'"{r["text"]}",{r["kind"]},{r["answer"]}' for r in RECORDS)]
        (folder / "t.csv").write_text("\ufeff" + "\n".join(lines), encoding="utf-8")
    elif name == "jsonl":
        text = "\n\n".join(json.dumps(record) for record in RECORDS)
        (folder / "t.jsonl").write_text(text, encoding="utf-8")
    else:
        pq.write_table(pa.Table.from_pylist(RECORDS), folder / "t.parquet")


@pytest.mark.parametrize("name", ["csv", "jsonl", "parquet"])
def test_three_table_formats_give_the_same_rows(tmp_path: Path, name: str) -> None:
    _write_table(tmp_path, name)

    rows = _read(
        tmp_path,
        type=name,
        columns={"prompt": "text", "label": "answer", "response": "answer", "group": "kind"},
        where={"kind": ["x", "y", "z"]},
        exclude={"kind": ["z"]},
        labels={"0": "no", "1": "yes"},
        template="Say {prompt} as {kind}",
    )

    assert [(row["prompt"], row["label"], row["response"], row["group_key"]) for row in rows] == [
        ("Say one as x", "yes", "yes", "x"),
        ("Say two {prompt} as y", "no", "no", "y"),
    ]


def test_exclude_leaves_rows_out(tmp_path: Path) -> None:
    _write_table(tmp_path, "csv")

    rows = _read(tmp_path, type="csv", columns={"prompt": "text"}, exclude={"kind": ["x", "z"]})

    assert [row["prompt"] for row in rows] == ["two {prompt}"]


def test_chat_turns_give_messages_and_the_last_answer_as_response(tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]
    (tmp_path / "t.jsonl").write_text(json.dumps({"chat": turns}))

    rows = _read(tmp_path, type="jsonl", columns={"messages": "chat"})

    assert (rows[0]["messages"], rows[0]["response"]) == (turns[:1], "hello")


def test_comment_lines_above_a_csv_header_are_skipped(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("# version\ntext,n\n# kept,1\n")

    rows = _read(tmp_path, type="csv", comment="#", columns={"prompt": "text"})

    assert [row["prompt"] for row in rows] == ["# kept"]


def test_an_empty_cell_is_no_value(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("text,kind\na,\nb,\n")

    rows = _read(tmp_path, type="csv", columns={"prompt": "text", "group": "kind", "label": "kind"})

    assert [(row["group_key"], row["label"]) for row in rows] == [(None, None)] * 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"type": "csv", "columns": {"prompt": "none"}}, "'none'.*text"),
        ({"type": "csv", "columns": {"prompt": "text"}, "where": {"none": ["1"]}}, "'none'"),
        ({"type": "csv", "path": "*.tsv", "columns": {"prompt": "text"}}, r"\*\.tsv.*t\.csv"),
        (
            {"type": "csv", "columns": {"prompt": "text", "label": "answer"}, "labels": {"0": "a"}},
            "'1' has no word",
        ),
    ],
)
def test_a_table_that_lacks_what_is_asked_for_is_named(
    tmp_path: Path, options: dict[str, Any], said: str
) -> None:
    _write_table(tmp_path, "csv")

    with pytest.raises(DamagedInput, match=said):
        _read(tmp_path, **options)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", b"text\n\xff\xfe"),
        ("t.csv", b"text\na,b\n"),
        ("t.jsonl", b"{"),
        ("t.jsonl", b"[1]"),
        ("t.jsonl", b"\xff"),
        ("t.parquet", b"PAR0"),
        ("t.prompt", b"a: ["),
        ("t.prompt", b"seeds: 3"),
    ],
)
def test_a_broken_file_is_damaged_input(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    kind = {"prompt": "yaml_seeds"}.get(name[2:], name[2:])
    options = {} if kind == "yaml_seeds" else {"columns": {"prompt": "text"}}

    with pytest.raises(DamagedInput, match=name):
        _read(tmp_path, type=kind, **options)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"type": "xml"}, "'xml'.*csv"),
        ({"type": "csv"}, "columns"),
        ({"type": "csv", "columns": {"promt": "text"}}, "promt"),
        ({"type": "generated", "generator": "poems"}, "poems"),
        ({"type": "generated", "generator": "smoke_task", "rows": 100_000}, "100000"),
        ({"type": "vader_reviews", "margin": -1}, "margin"),
    ],
)
def test_a_wrong_option_is_named(tmp_path: Path, options: dict[str, Any], said: str) -> None:
    with pytest.raises(StudyError, match=said):
        _read(tmp_path, **options)


def test_text_seeds_are_read_with_their_first_category(tmp_path: Path) -> None:
    (tmp_path / "s.prompt").write_text(
        "dataset_name: made\n"
        "seeds:\n"
        "- {value: placeholder 1, data_type: text, harm_categories: [b, a]}\n"
        "- {value: picture.png, data_type: image_path}\n"
        "- {value: placeholder 2}\n"
    )

    rows = _read(tmp_path, type="yaml_seeds")

    assert [(row["prompt"], row["category"], row["origin"]) for row in rows] == [
        ("placeholder 1", "b", "made"),
        ("placeholder 2", None, "made"),
    ]


def _reviews(folder: Path, content: bytes) -> None:
    buffer = io.BytesIO(content)
    with tarfile.open(folder / "hutto_ICWSM_2014.tar.gz", "w:gz") as archive:
        info = tarfile.TarInfo("h/movieReviewSnippets_GroundTruth.txt")
        info.size = len(content)
        archive.addfile(info, buffer)


REVIEWS = "1\t2.5\tgood caf\u00e9\tyes\r\n2\t-1.5\tbad\r\n3\t0.5\tso so\r\n4\t0.0\tneutral\r\n"


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_reviews_are_labelled_by_the_sign_of_a_clear_rating(tmp_path: Path, encoding: str) -> None:
    _reviews(tmp_path, REVIEWS.encode(encoding))

    rows = _read(
        tmp_path, type="vader_reviews", template="[{prompt}]", positive="up", negative="down"
    )

    assert [(row["id"], row["prompt"], row["label"], row["response"]) for row in rows] == [
        ("1", "[good caf\u00e9\tyes]", "up", "up"),
        ("2", "[bad]", "down", "down"),
    ]


def test_a_margin_of_zero_leaves_out_only_the_undecided(tmp_path: Path) -> None:
    _reviews(tmp_path, REVIEWS.encode())

    assert [row["id"] for row in _read(tmp_path, type="vader_reviews", margin=0)] == ["1", "2", "3"]


def test_a_sample_of_reviews_is_balanced_and_a_bigger_one_holds_it(tmp_path: Path) -> None:
    lines = [f"{n}\t{2 if n % 3 else -2}\tsnippet {n}" for n in range(60)]
    _reviews(tmp_path, "\n".join(lines).encode())

    small = _read(tmp_path, type="vader_reviews", rows=10)
    large = _read(tmp_path, type="vader_reviews", rows=20)

    assert [row["label"] for row in small].count("positive") == 5
    assert {row["id"] for row in small} < {row["id"] for row in large}


def test_an_archive_without_the_snippets_is_named(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "hutto_ICWSM_2014.tar.gz", "w:gz"):
        pass

    with pytest.raises(DamagedInput, match="movieReviewSnippets"):
        _read(tmp_path, type="vader_reviews")


def test_a_plugin_reads_with_its_params(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "class Mine:\n"
        "    def __init__(self, word):\n"
        "        self.word = word\n"
        "    def read(self, folder):\n"
        "        return [{'prompt': self.word + folder.name}]\n"
    )
    reader: Mapping[str, Any] = {"type": f"{tmp_path}/mine.py:Mine", "params": {"word": "in "}}

    assert make_reader(reader).read(Path("data")) == [{"prompt": "in data"}]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("def read(self, folder): return None", "it returned a NoneType; a list of rows is needed"),
        ("def read(self, folder): return 3", "it returned a int"),
        (
            "def read(self, folder): return ['a']",
            "it returned a list of which one is a str; a list",
        ),
        (
            "def read(self, folder): import pandas; return pandas.DataFrame({'prompt': ['a']})",
            r"it returned a DataFrame of which one is a str; .*table.to_dict\('records'\)",
        ),
        ("def read(self, folder): return {'prompt': 'a'}", "it returned a dict"),
        ("def read(self, folder): return 'abc'", "it returned a str"),
        ("def rows(self, folder): return []", "has no method read"),
    ],
)
def test_a_plugin_that_gives_no_rows_is_told_so(tmp_path: Path, body: str, said: str) -> None:
    (tmp_path / "mine.py").write_text(f"class Mine:\n    {body}\n")

    with pytest.raises(StudyError, match=f"mine.py:Mine: {said}"):
        _read(tmp_path, type=f"{tmp_path}/mine.py:Mine")
