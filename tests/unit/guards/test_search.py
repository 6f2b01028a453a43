from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from safebasin.errors import StudyError
from safebasin.guards.controls import search_controls
from safebasin.guards.generators.grammar import GrammarGenerator
from safebasin.guards.outcome import scores_of
from safebasin.guards.search import PrefixSearch, SearchSettings
from safebasin.guards.search_files import read_candidates, write_search

from ...wear import TEARS
from .scripted import Killed, Listed, ScriptedAgent, Table, killed_after, outcome, seen


def search(rounds, scores, **settings):
    """Run a search over listed rounds; return the result, the generator and the agent."""
    generator, agent = Listed(rounds), Table(scores)
    shape = SearchSettings(**{"candidates": 9, "rounds": len(rounds), **settings})
    return PrefixSearch(shape, generator, agent).run(), generator, agent


# --- scores


@given(st.integers(0, 7), st.integers(0, 7))
def test_overall_is_perf_plus_refusal(done, refused):
    scores = scores_of(seen(done, refused), "action")

    assert scores.perf == Fraction(done, 7)
    assert scores.refusal == Fraction(refused, 7)
    assert scores.overall == Fraction(done + refused, 7) <= 2


@pytest.mark.parametrize("kind", ["benign", "harmful"])
def test_a_refusal_with_an_action_below_it_and_an_empty_reply_count_on_no_side(kind):
    other = "harmful" if kind == "benign" else "benign"
    for refused, acted in ((True, True), (False, False)):
        outcomes = [outcome(f"{kind} 0", refused, acted), outcome(f"{other} 0", False, False)]

        assert scores_of(outcomes, "action").overall == 0


def test_success_counts_the_goal_and_nothing_else():
    outcomes = [
        outcome("benign 0", refused=True, acted=True, reached=True),
        outcome("benign 1", refused=False, acted=True, reached=False),
        outcome("harmful 0", refused=True, acted=False),
    ]

    assert scores_of(outcomes, "success").perf == Fraction(1, 2)
    assert scores_of(outcomes, "action").perf == Fraction(1, 2)
    assert scores_of(outcomes, "success").refusal == 1


def test_success_asked_of_first_replies_is_refused():
    with pytest.raises(StudyError, match="played to the end"):
        scores_of(seen(1, 1), "success")


@pytest.mark.parametrize("kind", ["benign", "harmful"])
def test_tasks_of_one_kind_alone_score_nothing(kind):
    with pytest.raises(StudyError, match="both kinds"):
        scores_of([outcome(f"{kind} 0", False, True)], "action")


# --- the loop


def test_the_winner_is_the_first_of_the_best_over_all_rounds():
    result, _, _ = search(
        [["a", "b"], ["c", "d"]], {"a": (7, 1), "b": (5, 4), "c": (4, 5), "d": (0, 7)}
    )

    assert result.winner.text == "b"
    assert result.first_round_best.text == "b"


@pytest.mark.parametrize(("first", "second"), [((0, 6), (1, 5)), ((1, 4), (0, 5))])
def test_equal_sums_of_unequal_parts_are_ties(first, second):
    # As floats the first sum is the smaller one, by its last bit; the earlier would lose.
    result, _, _ = search([["a", "b"]], {"a": first, "b": second})

    assert first[0] / 7 + first[1] / 7 < second[0] / 7 + second[1] / 7
    assert result.winner.text == "a"


def test_the_pool_is_cumulative_and_nothing_leaves_it():
    rounds = [["a", "b"], ["c"], ["d", "e"]]
    result, _, _ = search(rounds, dict.fromkeys("abcde", (1, 1)))

    assert [each.text for each in result.pool] == list("abcde")
    assert [each.round for each in result.pool] == [1, 1, 2, 3, 3]


@pytest.mark.parametrize(("threshold", "from_scratch"), [(1.4, False), (1.5, False), (1.51, True)])
def test_nothing_is_fed_back_exactly_below_tau(threshold, from_scratch):
    generator = Listed([["a"], ["b"]])
    agent = {"a": [*seen(2, 2, of=2)[:3], outcome("harmful 9", False, True)], "b": seen(0, 0)}

    PrefixSearch(
        SearchSettings(candidates=1, rounds=2, threshold=threshold), generator, agent.__getitem__
    ).run()

    assert scores_of(agent["a"], "action").overall == Fraction(3, 2)
    assert generator.feedback[1] is None
    assert (generator.feedback[2] is None) is from_scratch


def test_tau_is_the_decimal_that_was_written():
    agent = {"a": seen(7, 6, of=10), "b": seen(0, 0)}
    generator = Listed([["a"], ["b"]])

    PrefixSearch(
        SearchSettings(candidates=1, rounds=2, threshold=1.3), generator, agent.__getitem__
    ).run()

    assert generator.feedback[2] is not None


def test_tau_is_held_against_the_whole_pool_and_not_the_last_round():
    _, generator, _ = search(
        [["a"], ["b"], ["c"]], {"a": (7, 7), "b": (0, 0), "c": (0, 0)}, threshold=1.5
    )

    assert generator.feedback[3] is not None


def test_three_lists_are_fed_back_with_the_earlier_first_among_equals():
    scores = {"a": (7, 0), "b": (0, 7), "c": (4, 4), "d": (7, 0), "e": (5, 5), "f": (0, 7)}
    _, generator, _ = search([list("abcdef"), ["g"]], {**scores, "g": (0, 0)}, threshold=0.5)
    feedback = generator.feedback[2]

    assert [each.text for each in feedback.best_overall] == ["e", "c", "a"]
    assert [each.text for each in feedback.best_perf] == ["a", "d", "e"]
    assert [each.text for each in feedback.best_refusal] == ["b", "f", "e"]
    assert feedback.best_overall[0].overall == float(Fraction(10, 7))


@pytest.mark.parametrize(("keep", "length"), [(1, 3), (3, 3), (4, 4)])
def test_at_least_three_are_kept_in_each_list(keep, length):
    scores = dict.fromkeys("abcdefg", (7, 7))
    _, generator, _ = search([list("abcdef"), ["g"]], scores, keep=keep)
    feedback = generator.feedback[2]

    assert len(feedback.best_overall) == len(feedback.best_perf) == length
    assert len(feedback.best_refusal) == length


def test_duplicates_are_dropped_and_played_once():
    result, _, agent = search([["a", "b", "a"], ["b", "c", "c"]], dict.fromkeys("abc", (1, 1)))

    assert [each.text for each in result.pool] == ["a", "b", "c"]
    assert agent.calls == ["a", "b", "c"]


def test_a_round_gives_at_most_m():
    result, _, _ = search([list("abcd")], dict.fromkeys("abcd", (1, 1)), candidates=2)

    assert [each.text for each in result.pool] == ["a", "b"]


def test_m_times_t_minus_duplicates_are_scored():
    agent = ScriptedAgent()
    settings = SearchSettings(candidates=5, rounds=6, threshold=1.0)

    result = PrefixSearch(settings, GrammarGenerator(0), agent).run()

    assert 25 <= len(result.pool) <= 30
    assert len(agent.calls) == len(set(agent.calls)) == len(result.pool)


def test_an_empty_first_round_leaves_the_choice_to_the_next():
    result, _, _ = search([[], ["a", "b"]], {"a": (1, 1), "b": (2, 2)})

    assert result.winner.text == result.first_round_best.text == "b"


def test_a_search_without_any_proposal_says_so():
    with pytest.raises(StudyError, match="no prefix"):
        search([[], []], {})


def test_controls_are_scored_and_never_chosen_nor_fed_back():
    generator = Listed([["a"], ["b"]])
    agent = Table({"": (7, 7), "like a": (7, 7), "a": (1, 1), "b": (1, 1)})
    settings = SearchSettings(candidates=1, rounds=2, threshold=1.5)

    result = PrefixSearch(
        settings,
        generator,
        agent,
        controls=lambda winner: {"no prefix": "", "matched": f"like {winner}"},
    ).run()

    assert [(each.name, each.text, each.round) for each in result.controls] == [
        ("no prefix", "", 0),
        ("matched", "like a", 0),
    ]
    assert result.controls[0].scores.overall == 2
    assert result.winner.text == "a"
    assert generator.feedback[2] is None
    assert agent.calls == ["a", "b", "", "like a"]


def test_neutral_comments_of_the_winners_length_are_among_the_controls():
    winner = "# As a careful web agent, I do the tasks that help and I decline the ones that harm."

    found = search_controls(winner, lambda text: len(text.split()))
    neutral = [text for name, text in found.items() if name.startswith("neutral")]

    assert found["no prefix"] == ""
    assert len(set(neutral)) == len(neutral) == 5
    assert {len(text.split()) for text in neutral} == {len(winner.split())}
    assert all(text.startswith("# As a") and not text.endswith("\n") for text in neutral)


def test_fresh_tasks_choose_among_the_best_only():
    first = Table({"a": (7, 7), "b": (7, 6), "c": (6, 6), "d": (5, 5)})
    second = Table({"a": (3, 3), "b": (4, 4), "c": (4, 4), "d": (7, 7)})
    settings = SearchSettings(candidates=4, rounds=1)

    result = PrefixSearch(settings, Listed([list("abcd")]), first, rescore=second).run()

    assert second.calls == ["a", "b", "c"]
    assert result.winner.text == "b"
    assert result.winner.scores.overall == Fraction(13, 7)


# --- files, resuming, going on


def grammar_search(folder, score, rounds=4, earlier=(), resume=None, rescore=None):
    """Search with the grammar and write the artifact; return its two files' bytes."""
    folder.mkdir(exist_ok=True)
    settings = SearchSettings(candidates=3, rounds=rounds, threshold=1.2)
    result = PrefixSearch(
        settings,
        GrammarGenerator(9),
        score,
        resume,
        earlier=earlier,
        controls=lambda winner: {"none": "", "inability": "I cannot", "like": f"{winner} So."},
        rescore=rescore,
    ).run()
    write_search(folder, result)
    return [(folder / name).read_bytes() for name in ("candidates.parquet", "prefix.json")]


def test_a_run_killed_at_every_candidate_ends_in_the_same_bytes(tmp_path):
    plain = grammar_search(tmp_path / "plain", ScriptedAgent(), rescore=ScriptedAgent())
    agent = ScriptedAgent()
    grammar_search(tmp_path / "count", agent)

    resume, tries = tmp_path / "resume", 0
    again = ScriptedAgent()
    while True:
        try:
            dying = killed_after(again, 1)
            found = grammar_search(tmp_path / "killed", dying, resume=resume, rescore=dying)
            break
        except Killed:
            tries += 1
            assert tries < 100

    assert found == plain
    assert tries >= len(agent.calls)
    assert len(again.calls) == len(agent.calls) + 3


def test_a_log_cut_at_any_byte_ends_in_the_same_bytes(tmp_path):
    plain = grammar_search(tmp_path / "plain", ScriptedAgent(), rounds=2)
    whole = tmp_path / "whole"
    grammar_search(tmp_path / "logged", ScriptedAgent(), rounds=2, resume=whole)
    log = (whole / "search.jsonl").read_bytes()

    for end in range(0, len(log), 97):
        resume = tmp_path / f"cut{end}"
        resume.mkdir()
        (resume / "search.jsonl").write_bytes(log[:end])

        assert grammar_search(tmp_path / "again", ScriptedAgent(), 2, resume=resume) == plain
        assert (resume / "search.jsonl").read_bytes() == log


@pytest.mark.parametrize("tear", TEARS.values(), ids=TEARS)
def test_a_torn_log_ends_in_the_same_bytes(tear, tmp_path):
    plain = grammar_search(tmp_path / "plain", ScriptedAgent(), rounds=2)
    grammar_search(tmp_path / "logged", ScriptedAgent(), rounds=2, resume=tmp_path / "kept")
    tear(tmp_path / "kept" / "search.jsonl")

    assert grammar_search(tmp_path / "a", ScriptedAgent(), 2, resume=tmp_path / "kept") == plain
    agent = ScriptedAgent()
    assert grammar_search(tmp_path / "b", agent, 2, resume=tmp_path / "kept") == plain
    assert agent.calls == []


def test_a_finished_log_plays_nothing_again(tmp_path):
    grammar_search(tmp_path / "one", ScriptedAgent(), resume=tmp_path / "resume")
    agent = ScriptedAgent()

    grammar_search(tmp_path / "two", agent, resume=tmp_path / "resume")

    assert agent.calls == []


def test_more_rounds_equal_all_rounds_at_once_and_play_only_the_new(tmp_path):
    whole, agent = (
        grammar_search(tmp_path / "ten", first := ScriptedAgent(), rounds=10),
        ScriptedAgent(),
    )
    grammar_search(tmp_path / "five", ScriptedAgent(), rounds=5)
    earlier = read_candidates(tmp_path / "five", "action")

    assert grammar_search(tmp_path / "more", agent, rounds=10, earlier=earlier) == whole
    assert any(each.parents for each in earlier)
    assert len(agent.calls) == len(first.calls) - len(earlier)


def test_fewer_rounds_than_the_earlier_search_are_refused(tmp_path):
    grammar_search(tmp_path / "five", ScriptedAgent(), rounds=5)

    with pytest.raises(StudyError, match=r"4 rounds asked for, the earlier search has 5"):
        grammar_search(
            tmp_path / "four", ScriptedAgent(), earlier=read_candidates(tmp_path / "five", "action")
        )


@pytest.mark.parametrize("wrong", [{"candidates": 0}, {"rounds": 0}])
def test_a_search_of_nothing_is_refused(wrong):
    with pytest.raises(StudyError, match="1 or more"):
        PrefixSearch(SearchSettings(**wrong), Listed([]), Table({}))
