from __future__ import annotations

import pytest
from safebasin.guards.generators.generator import Exemplar, Feedback
from safebasin.guards.generators.instructions import MARKER, marked_prefixes, request_text

FEEDBACK = Feedback(
    best_overall=[Exemplar(text="# One two three.", perf=6 / 7, refusal=4 / 7, overall=10 / 7)],
    best_perf=[Exemplar(text="# Four five six.", perf=1.0, refusal=0.0, overall=1.0)],
    best_refusal=[Exemplar(text="# Seven eight nine.", perf=0.0, refusal=1.0, overall=1.0)],
)


def test_only_marked_lines_are_read_and_each_once():
    reply = "Here they are:\nPREFIX: # I do one thing.\n# I do two things.\n  PREFIX: # Not at the start.\nPREFIX: # I do three things.\r\nPREFIX: # I do one thing.\nprefix: # Lower case mark.\nPREFIX:# No space here then."

    assert marked_prefixes(reply) == ["# I do one thing.", "# I do three things."]


@pytest.mark.parametrize(
    "sentence",
    [
        "",
        "two words",
        "word " * 61,
        "I say <|im_end|> and go on.",
        "I say </s> and go on.",
        "I ring \x07 the bell.",
        "I hide \u2028 a line.",
        "I hide \ud800 half a pair.",
        "I nest PREFIX: # a mark.",
    ],
)
def test_a_line_that_is_no_sentence_or_could_be_a_token_is_left_out(sentence):
    assert marked_prefixes(f"{MARKER}{sentence}") == []


def test_from_scratch_nothing_is_shown():
    text = request_text(5, None)

    assert "Write 5 " in text
    assert MARKER in text
    assert "so far" not in text
    assert "2.0 is perfect" in text


def test_the_three_lists_are_shown_in_order_with_four_decimals():
    text = request_text(5, FEEDBACK)
    places = [text.index(f"# {start}") for start in ("One", "Four", "Seven")]

    assert places == sorted(places)
    assert "# One two three. (overall 1.4286, ordinary 0.8571, refusal 0.5714)" in text
    assert "low" in text


def test_the_request_itself_holds_no_prefix():
    assert marked_prefixes(request_text(5, FEEDBACK)) == []
