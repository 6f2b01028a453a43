from __future__ import annotations

import pytest
from safebasin.corpora.corpus import corpus_rows
from safebasin.corpora.rows import CORPUS_SCHEMA, prompt_text, to_table
from safebasin.errors import DamagedInput


def test_an_id_comes_from_the_content_and_stays_when_other_rows_come_and_go() -> None:
    alone = corpus_rows([{"prompt": "b"}], harmful=False, default_origin="x")
    among = corpus_rows([{"prompt": "a"}, {"prompt": "b"}], harmful=False, default_origin="x")

    assert alone[0]["id"] == among[1]["id"] != among[0]["id"]


def test_equal_rows_get_different_ids() -> None:
    rows = corpus_rows([{"prompt": "a"}] * 3, harmful=False, default_origin="x")

    assert len({row["id"] for row in rows}) == 3


def test_the_table_has_the_schema_and_absent_columns_are_null() -> None:
    rows = corpus_rows([{"prompt": "a", "label": 1}], harmful=True, default_origin="made")

    table = to_table(rows, CORPUS_SCHEMA)

    assert table.schema == CORPUS_SCHEMA
    row = table.to_pylist()[0]
    assert row["messages"] == [{"role": "user", "content": "a"}]
    assert (row["label"], row["response"], row["origin"]) == ("1", None, "made")
    assert (row["harmful"], row["group_key"]) == (True, None)


def test_the_prompt_text_is_what_the_user_says() -> None:
    turns = [
        {"role": "system", "content": "s"},
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": "a"},
        {"role": "user", "content": "two"},
    ]

    assert prompt_text({"messages": turns}) == "one\ntwo"


TURNS = [{"role": "user", "content": "q"}]


def test_a_row_that_says_where_it_stands_is_named_by_that() -> None:
    rows = [
        {"prompt": "a", "id": "1", "where": "here"},
        {"prompt": "b", "id": "1", "where": "there"},
    ]

    with pytest.raises(DamagedInput, match="there has the id '1', which here has too"):
        corpus_rows(rows, harmful=False, default_origin="x")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"prompt": "a", "colour": "b"}], "colour"),
        ([{"prompt": " "}], "row 1"),
        ([{"prompt": None}], "no prompt"),
        ([{"messages": [{"role": "system", "content": "s"}]}], "'user'"),
        ([{"messages": [{"role": "user"}]}], "'content'"),
        ([{"messages": ["hi"]}], "'role'"),
        ([{"messages": []}], "empty"),
        ([{"messages": [*TURNS, {"role": "assistant", "content": "a"}]}], "the assistant speaks"),
        ([{"prompt": "a", "label": {"b": 1}}], "row 1.*'label': a structure with the keys 'b'"),
        ([{"prompt": "a", "response": False}], "row 1.*'response': the truth value false"),
        (["text"], "row 1 of the reader is no mapping"),
        (
            [{"prompt": "a", "id": "1"}, {"prompt": "b", "id": "1"}],
            "row 2 of the reader has the id '1', which row 1",
        ),
    ],
)
def test_a_row_that_cannot_be_is_named(rows: list[dict[str, object]], said: str) -> None:
    with pytest.raises(DamagedInput, match=said):
        corpus_rows(rows, harmful=False, default_origin="x")
