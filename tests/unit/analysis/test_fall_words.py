"""What is said of a search's score goes by how its winner was picked and what was counted."""

from __future__ import annotations

import pytest
from safebasin.analysis.guard_kind import GuardKind
from safebasin.analysis.guard_words import fall_sentence
from safebasin.analysis.search_scores import SearchedPrefix, SearchFall

from .guard_study import PLAIN, SAFE, cell, told_of, verdicts

MANY = "The best of many scores on few tasks is expected to fall"
CASES: dict[str, tuple[dict[str, object], tuple[str, ...], tuple[str, ...]]] = {
    "the best of several": (
        {},
        ("was the best of 5 on 7 tasks with 1.90 of 2 (perf 1.00, refusal 0.90); on the test", MANY,
         "and counts actions, the test at whole episodes"),
        ("share", "fresh", "only candidate"),
    ),
    "several at the best": ({"at_best": 3}, ("a score that 3 of them share", MANY), ("reach",)),
    "one that fresh tasks picked": (
        {"at_best": 3, "fresh": 1.2},
        ("was picked by fresh tasks among the best of 5", "which 3 of them reach, 1.20 when scored again"),
        ("was the best", "share"),
    ),
    "the only candidate": (
        {"candidates": 1, "fresh": 1.2},
        ("was the only candidate, on 7 tasks with 1.90", "1.20 when scored again", " The two sums differ"),
        ("best of", "many scores"),
    ),
    "a search that counts successes": (
        {"by_success": True}, ("counts successes, the test refusals",), ("whole episodes", "counts actions"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_sentence_is_true_of_the_search(case):
    told, said, silent = CASES[case]
    fields = {
        "prefix": SearchedPrefix(prefix="p", agent="web", guard="ping", search_seed=0),
        "candidates": 5, "at_best": 1, "tasks": 7, "perf": 1.0, "refusal": 0.9, "test_perf": 1.0,
        "test_refusal": 0.6, "by_success": False, "fresh": None,
    }  # fmt: skip
    sentence = fall_sentence(SearchFall(**(fields | told)))  # type: ignore[arg-type]
    assert [words for words in said if words not in sentence] == []
    assert [words for words in silent if words in sentence] == []


@pytest.mark.parametrize(
    ("own", "words"),
    [
        (True, "a system prompt of the study's own at test time (asked)"),
        (False, "a safety system prompt at test time (asked)"),
    ],
)
def test_a_system_prompt_in_other_words_is_called_no_safety_prompt(own, words):
    cells = [
        cell("none"),
        cell("ping"),
        cell("asked", guard_kind=GuardKind(type="system", own_words=own)),
    ]
    rates = {
        one.name: verdicts(each) for one, each in zip(cells, (PLAIN, SAFE, PLAIN), strict=True)
    }
    said = " ".join(told_of(rates, cells)["agents"][0]["sentences"])
    assert words in said


def test_what_is_not_shown_to_rise_is_not_called_wide():
    few = {"harm": (0.3, 0.3), "good": (0.8, 0.1), "alike": (0.8, 0.0), "ends": (0.8, 0.1)}
    cells = [cell("none"), cell("ping")]
    rates = {one.name: verdicts(each) for one, each in zip(cells, (PLAIN, few), strict=True)}
    said = " ".join(told_of(rates, cells)["agents"][0]["sentences"])
    assert "may be a constant bias towards refusing" in said
    assert "What ping does to benign tasks is not shown to be a rise" in said
    assert "is wide" not in said
