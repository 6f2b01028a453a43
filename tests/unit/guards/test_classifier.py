import pytest
from safebasin.errors import StudyError
from safebasin.guards.classifier import BLOCKED, fit

TEXTS = [f"buy the {colour} apple" for colour in ("red", "green", "big", "small")]
OTHERS = [f"buy the {colour} marker" for colour in ("red", "green", "big", "small")]


def test_the_stand_in_learns_a_word_and_is_the_same_each_time():
    marks = [False] * 4 + [True] * 4
    fresh = ["send an apple", "send a marker"]

    found = fit(TEXTS + OTHERS, marks).probability(fresh)

    assert found[0] < 0.5 < found[1]
    assert found == fit(TEXTS + OTHERS, marks).probability(fresh)
    assert fit(TEXTS + OTHERS, marks).probability([]) == []


@pytest.mark.parametrize("marks", [[True] * 4, [True, False]])
def test_one_kind_alone_or_a_missing_mark_is_refused(marks):
    with pytest.raises(StudyError, match="texts of both kinds"):
        fit(TEXTS, marks)


def test_the_blocking_message_opens_as_a_refusal():
    assert BLOCKED.startswith("I cannot")
