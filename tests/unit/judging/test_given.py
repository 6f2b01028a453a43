"""What a judge gives is checked before anything counts it."""

from collections.abc import Callable
from enum import Enum

import pytest
from safebasin.errors import StudyError
from safebasin.judging.given import Rows, ask

ANSWERS = ("refusal", "accuracy", "harm")
ROWS: Rows = [{"id": "a", "response": "x"}, {"id": "b", "response": "y"}]


def asked(given: object, families: tuple[str, ...] = ANSWERS) -> list[object]:
    return [row["verdict"] for row in ask(lambda rows: given, ROWS, "./mine.py:Mine", families)]


@pytest.mark.parametrize(
    "given",
    [
        ["refused", "complied"],
        ("other", "degenerate"),
        (word for word in ["correct", "unparsed"]),
        ["harmful", "harmless"],
        ["unlabelled", "wrong"],
    ],
)
def test_one_known_word_a_row_is_taken(given):
    assert len(asked(given)) == 2


def test_words_that_are_text_of_another_kind_are_taken_as_bare_text():
    class Verdict(str, Enum):  # noqa: UP042
        REFUSED = "refused"
        COMPLIED = "complied"

    words = asked([Verdict.REFUSED, Verdict.COMPLIED])

    assert [(type(word), word) for word in words] == [(str, "refused"), (str, "complied")]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["REFUSED", "refused"], "'REFUSED'.*row 'a'"),
        (["refused", "Refused"], "'Refused'.*row 'b'"),
        (["refused ", "refused"], "'refused '"),
        (["refused", ""], "''"),
        (["refused", None], "None"),
        (["refused", float("nan")], "nan"),
        (["refused", True], "True"),
        (["refused", 0], r"\[0\]"),
        (["refused", b"refused"], "b'refused'"),
        (["refused", ["refused"]], "'refused'"),
        (["refused", "success"], "'success'"),
        (["refused", "correct"], "several sorts"),
        (["harmful", "refused"], "several sorts"),
        (["refused"], "1 verdicts on 2 rows"),
        (["refused"] * 3, "3 verdicts on 2 rows"),
        ([], "0 verdicts on 2 rows"),
        ("ab", "returned a str"),
        (None, "returned a NoneType"),
        ({"a": "refused", "b": "refused"}, "returned a dict"),
        ({"refused", "complied"}, "returned a set"),
        (1, "returned a int"),
    ],
)
def test_anything_else_is_an_error_that_says_what_and_where(given, told):
    with pytest.raises(StudyError, match=rf"./mine.py:Mine.*{told}"):
        asked(given)


def test_episodes_have_verdicts_of_their_own():
    assert asked(["success", "other"], ("tasks",)) == ["success", "other"]
    with pytest.raises(StudyError, match="'complied'"):
        asked(["success", "complied"], ("tasks",))


def reversing(rows: Rows) -> list[str]:
    rows.reverse()
    return ["refused" for _ in rows]


def emptying(rows: Rows) -> list[str]:
    return ["refused" for _ in range(len(rows)) if rows.pop()]


@pytest.mark.parametrize("judging", [reversing, emptying])
def test_a_judge_that_moves_the_rows_is_refused(judging: Callable[[Rows], object]):
    with pytest.raises(StudyError, match="another order"):
        ask(judging, ROWS, "mine", ANSWERS)
    assert [row["id"] for row in ROWS] == ["a", "b"]


def test_a_judge_that_writes_in_its_rows_changes_nothing():
    def writing(rows: Rows) -> list[str]:
        for row in rows:
            row["response"] = row["verdict"] = "changed"
        return ["refused"] * len(rows)

    judged = ask(writing, ROWS, "mine", ANSWERS)
    assert judged == [row | {"verdict": "refused"} for row in ROWS]
