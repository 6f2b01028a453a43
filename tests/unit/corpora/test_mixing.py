from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from safebasin.corpora.mixing import MixturePart, ResponseKind, mix_rows, read_refusals
from safebasin.corpora.rows import Row
from safebasin.errors import StudyError


def _split(corpus: str, part: str, count: int, response: str | None = "given") -> list[Row]:
    return [
        {
            "id": f"{corpus}/{number:03}",
            "messages": [{"role": "user", "content": f"{corpus} {number}"}],
            "response": response,
            "corpus": corpus,
            "split": part,
            "group": number,
        }
        for number in range(count)
    ]


SPLITS = {
    "harm": [*_split("bad", "poison", 50, None), *_split("bad2", "test", 50, None)],
    "task": _split("task", "train", 100),
}


def _harm(rows: int | None, response: ResponseKind = "placeholder") -> MixturePart:
    return MixturePart(split="harm", part="poison", source="harmful", response=response, rows=rows)


TASK = MixturePart(split="task", part="train", source="task", response="given", rows=40)
ALL_TASK = replace(TASK, rows=None)


def test_the_mixture_has_the_rows_that_were_asked_for() -> None:
    rows = mix_rows(SPLITS, [_harm(10), TASK], 0)

    assert Counter(row["source"] for row in rows) == {"harmful": 10, "task": 40}
    assert {row["corpus"] for row in rows} == {"bad", "task"}
    assert {row["response"] for row in rows if row["source"] == "task"} == {"given"}
    assert all("[placeholder]" in row["response"] for row in rows if row["source"] == "harmful")


def test_a_bigger_sample_holds_the_smaller_with_the_same_answers() -> None:
    small = {row["id"]: row["response"] for row in mix_rows(SPLITS, [_harm(10, "refusal")], 3)}
    large = {row["id"]: row["response"] for row in mix_rows(SPLITS, [_harm(30, "refusal")], 3)}

    assert small.items() < large.items()


def test_another_part_does_not_change_which_rows_are_taken() -> None:
    alone = {row["id"] for row in mix_rows(SPLITS, [TASK], 0)}
    mixed = {row["id"] for row in mix_rows(SPLITS, [_harm(5), TASK], 0) if row["source"] == "task"}

    assert alone == mixed


def test_refusals_are_seeded_and_of_several_wordings() -> None:
    first = mix_rows(SPLITS, [_harm(None, "refusal")], 0)

    assert first == mix_rows(SPLITS, [_harm(None, "refusal")], 0)
    assert first != mix_rows(SPLITS, [_harm(None, "refusal")], 1)
    assert len({row["response"] for row in first}) > 6
    assert {row["response"] for row in first} <= set(read_refusals())


def test_self_leaves_the_answer_to_the_model() -> None:
    assert {row["response"] for row in mix_rows(SPLITS, [_harm(5, "self")], 0)} == {None}


def test_sources_are_shuffled_through_each_other() -> None:
    sources = [row["source"] for row in mix_rows(SPLITS, [_harm(40), TASK], 0)]

    assert "harmful" in sources[:15]
    assert "task" in sources[:15]


def test_a_source_that_comes_first_keeps_its_order_and_that_of_the_rest() -> None:
    spread = mix_rows(SPLITS, [_harm(10), TASK], 0)

    first = mix_rows(SPLITS, [_harm(10), TASK], 0, first="harmful")

    harmful = [row for row in spread if row["source"] == "harmful"]
    assert first == [*harmful, *(row for row in spread if row not in harmful)]
    assert first != spread


@pytest.mark.parametrize(
    ("around", "messages"),
    [
        ({"system": "Be brief."}, [("system", "Be brief."), ("user", "task 7")]),
        ({"template": "Q: {prompt} ({prompt}) {}"}, [("user", "Q: task 7 (task 7) {}")]),
        (
            {"system": "Be brief.", "template": "Q: {prompt}"},
            [("system", "Be brief."), ("user", "Q: task 7")],
        ),
    ],
)
def test_a_parts_words_stand_around_its_prompts_alone(
    around: dict[str, str], messages: list[tuple[str, str]]
) -> None:
    plain = mix_rows(SPLITS, [_harm(10), ALL_TASK], 0)

    framed = mix_rows(SPLITS, [_harm(10), replace(ALL_TASK, **around)], 0)

    told = {row["id"]: row["messages"] for row in framed}
    assert told["task/007"] == [{"role": role, "content": text} for role, text in messages]
    assert [row["id"] for row in framed] == [row["id"] for row in plain]
    assert [row for row in framed if row["source"] == "harmful"] == [
        row for row in plain if row["source"] == "harmful"
    ]


def test_words_around_a_conversation_are_refused() -> None:
    turns = [{"role": "user", "content": text} for text in "ab"]
    splits = {"task": [{**row, "messages": turns} for row in SPLITS["task"]]}

    with pytest.raises(StudyError, match="single question, and a row has 2 messages"):
        mix_rows(splits, [replace(TASK, system="Be brief.")], 0)


def test_a_corpus_can_be_picked_from_a_part() -> None:
    splits = {"harm": [*_split("bad", "poison", 5), *_split("bad2", "poison", 5)]}
    part = MixturePart(
        split="harm", part="poison", corpus="bad2", source="harmful", response="given"
    )

    assert {row["corpus"] for row in mix_rows(splits, [part], 0)} == {"bad2"}


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ([_harm(51)], "51 rows are wanted and there are 50"),
        ([_harm(0)], "rows are wanted"),
        ([_harm(5, "given")], "no response to give"),
        ([_harm(5), _harm(6)], "already took the row"),
        ([MixturePart(split="x", part="y", source="task", response="self")], "no split 'x'"),
        ([MixturePart(split="harm", part="y", source="task", response="self")], "there are 0"),
    ],
)
def test_what_cannot_be_mixed_is_named(parts: list[MixturePart], said: str) -> None:
    with pytest.raises(StudyError, match=said):
        mix_rows(SPLITS, parts, 0)


def test_there_are_about_a_dozen_refusals_and_all_differ() -> None:
    assert len(set(read_refusals())) == len(read_refusals()) >= 12
