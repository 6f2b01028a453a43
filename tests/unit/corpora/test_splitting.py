from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from safebasin.corpora.splitting import assign_parts
from safebasin.errors import StudyError


def _got(parts: list[str | None], corpora: list[str]) -> dict[tuple[str | None, str], int]:
    return dict(Counter(zip(parts, corpora, strict=True)))


def test_numbers_are_met_exactly_and_the_rest_takes_all_that_is_left() -> None:
    corpora = ["a"] * 100 + ["b"] * 50

    parts = assign_parts(
        corpora, list(range(150)), {"one": {"a": 30}, "two": {"a": "rest", "b": 20}}, 0
    )

    assert _got(parts, corpora) == {
        ("one", "a"): 30,
        ("two", "a"): 70,
        ("two", "b"): 20,
        (None, "b"): 30,
    }


def test_fractions_are_met_within_the_slack() -> None:
    corpora = ["a"] * 200

    parts = assign_parts(corpora, [row // 3 for row in range(200)], {
        "train": {"a": 0.6}, "dev": {"a": 0.1}, "test": {"a": 0.3}}, 0)  # fmt: skip

    got = Counter(parts)
    assert got["train"] == pytest.approx(120, abs=6)
    assert got["dev"] == pytest.approx(20, abs=3)
    assert got["test"] == pytest.approx(60, abs=3)


def test_a_row_of_a_corpus_that_its_groups_part_does_not_want_is_left_out() -> None:
    corpora = ["a", "b"] * 20

    parts = assign_parts(
        corpora, [row // 2 for row in range(40)], {"one": {"a": 8}, "two": {"b": 8}}, 0
    )

    assert _got(parts, corpora)["one", "a"] == 8
    assert _got(parts, corpora)["two", "b"] == 8
    assert ("one", "b") not in _got(parts, corpora)


def test_one_giant_group_does_not_become_a_part_while_others_are_left() -> None:
    corpora = ["a"] * 100
    groups = [0] * 40 + list(range(1, 61))

    parts = assign_parts(corpora, groups, {"one": {"a": 30}, "two": {"a": 20}}, 0)

    assert set(parts[:40]) == {None}


def test_a_giant_group_is_used_where_the_number_needs_it() -> None:
    corpora = ["a"] * 100
    groups = [0] * 40 + list(range(1, 61))

    parts = assign_parts(corpora, groups, {"one": {"a": 35}, "two": {"a": 50}}, 0)

    assert _got(parts, corpora)["one", "a"] == 35
    assert _got(parts, corpora)["two", "a"] == 50


def test_a_giant_group_taken_for_one_corpus_does_not_crowd_out_another() -> None:
    # Group 0 holds the only rows of b, and many of a, which part one has enough of without it.
    corpora = ["b"] * 2 + ["a"] * 90
    groups = [0] * 42 + list(range(1, 51))

    parts = assign_parts(corpora, groups, {"one": {"a": 40, "b": 2}}, 0)

    assert parts[:2] == ["one", "one"]
    assert set(parts[2:42]) == {None}


def test_tight_numbers_with_uneven_groups_are_met() -> None:
    sizes = [6] * 15 + [1] * 10
    groups = [group for group, size in enumerate(sizes) for _ in range(size)]

    for seed in range(30):
        parts = assign_parts(["a"] * 100, groups, {"one": {"a": 60}, "two": {"a": 40}}, seed)
        assert Counter(parts) == {"one": 60, "two": 40}


def test_the_seed_decides_and_nothing_else() -> None:
    corpora = ["a"] * 60
    groups = [row // 2 for row in range(60)]
    targets: Any = {"one": {"a": 20}, "two": {"a": "rest"}}
    random.seed(5)

    first = assign_parts(corpora, groups, targets, 0)

    assert first == assign_parts(corpora, groups, targets, 0)
    assert first != assign_parts(corpora, groups, targets, 1)


def test_each_part_gets_a_fair_sample_of_group_sizes() -> None:
    groups = [group for group in range(300) for _ in range(1 + group % 3)]
    corpora = ["a"] * len(groups)

    parts = assign_parts(corpora, groups, {"one": {"a": 200}, "two": {"a": 200}}, 0)

    for part in ("one", "two"):
        sizes = Counter(group for group, other in zip(groups, parts, strict=True) if other == part)
        # Groups of 1, 2 and 3 rows in equal numbers: 2 rows a group on average.
        assert sum(sizes.values()) / len(sizes) == pytest.approx(2.0, abs=0.25)


@pytest.mark.parametrize(
    ("targets", "said"),
    [
        ({"one": {"a": 101}}, r"parts\.one\.a.*101 rows and 100 can be had"),
        ({"one": {"a": 60}, "two": {"a": 60}}, r"parts\.(one|two)\.a"),
        ({"one": {"c": 10}}, "no corpus 'c'"),
        ({"one": {"a": 0}}, "2 or more rows"),
        ({"one": {"a": 1}}, "2 or more rows"),
        ({"one": {"a": 1.0}}, "fraction below 1"),
        ({"one": {"a": -0.5}}, "fraction below 1"),
        ({"one": {"a": True}}, "2 or more"),
        ({"one": {"a": "rest"}, "two": {"a": "rest"}}, "already has the rest"),
        ({"one": {"a": 100}, "two": {"a": "rest"}}, r"parts\.two\.a: 'rest'"),
    ],
)
def test_a_target_that_cannot_be_is_named_with_part_and_counts(targets: Any, said: str) -> None:
    with pytest.raises(StudyError, match=said):
        assign_parts(["a"] * 100, list(range(100)), targets, 0)


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 15)), min_size=30, max_size=80),
    st.integers(0, 5),
)
def test_whatever_the_groups_none_is_in_two_parts_and_numbers_hold(
    rows: list[tuple[str, int]], seed: int
) -> None:
    corpora, groups = [corpus for corpus, _ in rows], [group for _, group in rows]
    targets: Any = {"one": {"a": 3}, "two": {"a": "rest", "b": 2}, "three": {"b": 0.2}}
    try:
        parts = assign_parts(corpora, groups, targets, seed)
    except StudyError:
        return

    where: dict[int, set[str]] = {}
    for part, group in zip(parts, groups, strict=True):
        if part is not None:
            where.setdefault(group, set()).add(part)
    assert all(len(of_group) == 1 for of_group in where.values())
    got = _got(parts, corpora)
    assert got["one", "a"] == 3
    assert got["two", "b"] == 2
    assert ("one", "b") not in got
