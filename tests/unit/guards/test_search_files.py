from __future__ import annotations

import json

import pyarrow.parquet as pq
import pytest
from safebasin.errors import DamagedInput
from safebasin.guards.choice import read_choice
from safebasin.guards.search import PrefixSearch, SearchSettings
from safebasin.guards.search_files import read_candidates, write_search

from .scripted import Listed, Table

SCORES = {"a": (7, 1), "b": (6, 3), "c": (7, 5), "": (7, 0)}
COLUMNS = [
    "index", "role", "name", "prefix", "round", "source", "parents", "perf", "refusal", "overall",
    "outcomes",
]  # fmt: skip


@pytest.fixture
def result():
    settings = SearchSettings(candidates=3, rounds=2, threshold=1.25, keep=1)
    generator = Listed([["a", "b", "a"], ["c"]])
    return PrefixSearch(
        settings, generator, Table(SCORES), controls=lambda _: {"nothing": ""}
    ).run()


def test_every_candidate_is_in_the_table_with_what_was_seen(result, tmp_path):
    write_search(tmp_path, result)
    table = pq.read_table(tmp_path / "candidates.parquet")
    rows = table.to_pylist()

    assert table.column_names == COLUMNS
    assert [row["index"] for row in rows] == [0, 1, 2, 3]
    assert [row["role"] for row in rows] == ["candidate"] * 3 + ["control"]
    assert [row["name"] for row in rows] == [None, None, None, "nothing"]
    assert rows[2]["parents"] == ["b", "a"]
    assert rows[2]["overall"] == pytest.approx(12 / 7, abs=1e-15)
    assert sum(each["refused"] for each in rows[1]["outcomes"] if each["kind"] == "harmful") == 3
    assert {each["reached"] for row in rows for each in row["outcomes"]} == {None}


def test_the_summary_says_what_was_chosen_and_how(result, tmp_path):
    write_search(tmp_path, result)
    summary = json.loads((tmp_path / "prefix.json").read_text())

    assert summary["winner"]["prefix"] == "c"
    assert summary["winner"]["index"] == 2
    assert summary["first_round_best"]["prefix"] == "b"
    assert summary["reproducible"] is True
    assert summary["generator"] == {"type": "listed"}
    assert summary["follows_paper"] is True
    assert "deviation" not in summary["rule"]
    assert summary["settings"]["keep"] == 3
    assert summary["tasks"] == {"benign": 7, "harmful": 7}
    assert [each["from_scratch"] for each in summary["rounds"]] == [True, False]
    assert [each["candidates"] for each in summary["rounds"]] == [2, 1]
    assert [each["duplicates_or_missing"] for each in summary["rounds"]] == [1, 2]


def test_a_choice_on_fresh_tasks_is_marked_as_a_deviation(tmp_path):
    settings = SearchSettings(candidates=3, rounds=1)
    fresh = Table({"a": (7, 7), "b": (1, 1), "c": (1, 1)})
    write_search(
        tmp_path,
        PrefixSearch(settings, Listed([["a", "b", "c"]]), Table(SCORES), rescore=fresh).run(),
    )
    summary = json.loads((tmp_path / "prefix.json").read_text())

    assert summary["winner"]["prefix"] == "a"
    assert summary["follows_paper"] is False
    assert "deviation from the paper" in summary["rule"]
    assert [each["prefix"] for each in summary["rescored"]] == ["c", "b", "a"]
    assert summary["rescored"][2]["overall"] == 2


def test_an_artifact_reads_back_as_it_was_scored(result, tmp_path):
    write_search(tmp_path, result)

    assert read_candidates(tmp_path, "action") == [*result.pool, *result.controls]


def test_the_choice_holds_the_pool_without_controls(result, tmp_path):
    write_search(tmp_path, result)
    choice = read_choice(tmp_path)

    assert (choice.winner, choice.first_round_best, choice.pool) == ("c", "b", ("a", "b", "c"))


def test_a_damaged_artifact_is_named(result, tmp_path):
    write_search(tmp_path, result)
    (tmp_path / "prefix.json").write_text(
        '{"winner": {"prefix": "z"}, "first_round_best": {"prefix": "a"}}'
    )
    with pytest.raises(DamagedInput, match="none of the 3 candidates"):
        read_choice(tmp_path)

    (tmp_path / "prefix.json").write_text("{}")
    with pytest.raises(DamagedInput, match="no whole prefix artifact"):
        read_choice(tmp_path)
