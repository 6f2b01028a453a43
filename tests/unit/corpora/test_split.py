from __future__ import annotations

from typing import Any

import pytest
from safebasin.corpora.corpus import corpus_rows
from safebasin.corpora.leakage import check_leakage
from safebasin.corpora.near_duplicates import TextVectors
from safebasin.corpora.rows import Row
from safebasin.corpora.split import split_corpora
from safebasin.errors import DamagedInput, StudyError

TEXTS = [f"alpha{n // 2} beta{n // 2} gamma{n // 2} delta{n}" for n in range(80)]
"""Pairs of neighbours that share three of four words; nothing is shared beyond the pair."""
TARGETS: Any = {"train": {"one": 20, "two": 10}, "test": {"one": "rest", "two": "rest"}}


def _corpora(**extra: list[Any]) -> dict[str, list[Row]]:
    read = [
        {"prompt": text, **{key: values[n] for key, values in extra.items()}}
        for n, text in enumerate(TEXTS)
    ]
    return {
        "one": corpus_rows(read[:50], harmful=True, default_origin="x"),
        "two": corpus_rows(read[50:], harmful=True, default_origin="x"),
    }


def test_near_duplicates_stay_together_and_the_check_finds_nothing() -> None:
    split = split_corpora(_corpora(), TARGETS, 0.5, 0)

    part_of = {row["messages"][0]["content"]: row["split"] for row in split.rows}
    for left, right in zip(TEXTS[::2], TEXTS[1::2], strict=True):
        assert len({part_of.get(left), part_of.get(right)} - {None}) <= 1
    found: Any = split.leakage["between"]
    assert found["test/train"]["near_duplicate_pairs"] == 0
    assert found["test/train"]["largest_similarity"] < 0.5
    assert split.leakage["largest_group"] == 2


def test_every_number_of_the_summary_is_that_of_the_rows() -> None:
    split = split_corpora(_corpora(), TARGETS, 0.5, 0)

    parts: Any = split.leakage["parts"]
    for part in ("train", "test"):
        for corpus in ("one", "two"):
            rows = [r for r in split.rows if (r["split"], r["corpus"]) == (part, corpus)]
            assert parts[part][corpus]["rows"] == len(rows)
            assert parts[part][corpus]["groups"] == len({r["group"] for r in rows})
    assert parts["train"]["one"]["rows"] == 20


def test_ids_are_unique_in_the_split_and_carry_their_corpus() -> None:
    same = corpus_rows([{"prompt": text} for text in TEXTS], harmful=True, default_origin="x")

    split = split_corpora({"one": same, "two": same}, {"all": {"one": 80, "two": 80}}, 0.5, 0)

    assert len({row["id"] for row in split.rows}) == 160
    assert all(row["id"].startswith(row["corpus"] + "/") for row in split.rows)


def test_the_order_that_corpora_are_given_in_does_not_show() -> None:
    corpora = _corpora()

    turned = dict(reversed(list(corpora.items())))

    assert split_corpora(corpora, TARGETS, 0.5, 0) == split_corpora(turned, TARGETS, 0.5, 0)


def test_rows_with_an_equal_key_are_never_split_apart() -> None:
    keys = [f"user{n % 8}" for n in range(80)]

    split = split_corpora(_corpora(group_key=keys), {"train": {"one": 0.5, "two": 0.5},
        "test": {"one": "rest", "two": "rest"}}, 0.9, 0)  # fmt: skip

    train, test = (
        {(row["corpus"], row["group_key"]) for row in split.rows if row["split"] == part}
        for part in ("train", "test")
    )
    assert train
    assert test
    assert not train & test


def test_another_column_can_hold_the_groups() -> None:
    split = split_corpora(
        _corpora(category=[f"c{n % 8}" for n in range(80)]), TARGETS, 0.9, 0, "category"
    )

    train, test = (
        {(row["corpus"], row["category"]) for row in split.rows if row["split"] == part}
        for part in ("train", "test")
    )
    assert not train & test


def test_an_unknown_group_column_is_refused() -> None:
    with pytest.raises(StudyError, match="'colour'"):
        split_corpora(_corpora(), TARGETS, 0.5, 0, "colour")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"texts": ["same words", "Same, words!"]}, "near duplicate pairs"),
        ({"ids": ["1", "1"]}, "1 shared ids"),
        ({"keys": ["k", "k"]}, "1 shared keys"),
        ({"groups": [0, 0]}, "1 shared groups"),
        ({"texts": ["?!", "!?"]}, "1 shared texts"),
    ],
)
def test_the_check_does_not_rely_on_the_groups(change: dict[str, Any], said: str) -> None:
    rows: dict[str, Any] = {
        "texts": ["one thing", "another matter"],
        "ids": ["1", "2"],
        "keys": [None, None],
        "groups": [0, 1],
    }
    rows.update(change)

    with pytest.raises(DamagedInput, match=said):
        check_leakage(
            rows["texts"], rows["ids"], rows["keys"], ["train", "test"], rows["groups"],
            TextVectors(rows["texts"]), 0.5,
        )  # fmt: skip


def _checked(texts: list[str]) -> Any:
    found = check_leakage(
        texts, ["1", "2"], [None, None], ["train", "test"], [0, 1], TextVectors(texts), 0.5
    )
    return found["between"]


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["nameacolourofthesky" * 4, "pleasenameacolourofthesky" * 4], "cannot tell"),
        (["nameacolourofthesky" * 4, "name a colour"], 0),
        (["one thing", "another matter"], 0),
    ],
)
def test_where_nothing_can_be_compared_the_check_says_so(texts: list[str], said: object) -> None:
    assert _checked(texts)["test/train"]["near_duplicate_pairs"] == said
