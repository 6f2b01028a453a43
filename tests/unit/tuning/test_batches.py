from __future__ import annotations

from collections import Counter

import pytest
from safebasin.errors import StudyError
from safebasin.models.chat import TokenisedRow
from safebasin.tuning.batches import RowStreams, TrainingRow

ROWS = [
    TrainingRow(
        tokens=TokenisedRow(prompt=(number,), answer=(1,)), source="even" if number % 2 else "odd"
    )
    for number in range(7)
]


def names(rows: list[TrainingRow]) -> list[int]:
    return [row.tokens.prompt[0] for row in rows]


def test_no_row_comes_twice_before_all_have_come_once() -> None:
    streams = RowStreams(ROWS, seed=0)

    seen = [name for _ in range(7) for name in names(streams.take(3))]

    for epoch in range(3):
        assert Counter(seen[7 * epoch : 7 * (epoch + 1)]) == Counter(range(7))
    assert seen[:7] != seen[7:14]


def test_a_stream_goes_on_from_its_cursor() -> None:
    whole = RowStreams(ROWS, seed=5)
    expected = [names(whole.take(4)) for _ in range(6)]
    first = RowStreams(ROWS, seed=5)
    for _ in range(3):
        first.take(4)

    second = RowStreams(ROWS, seed=5, taken=first.taken)

    assert [names(second.take(4)) for _ in range(3)] == expected[3:]


@pytest.mark.parametrize("source", [None, "even", "odd"])
def test_in_file_order_every_pass_is_the_file(source: str | None) -> None:
    filed = names([row for row in ROWS if source in (None, row.source)])
    streams = RowStreams(ROWS, seed=5, order="file")

    seen = [name for _ in range(len(filed)) for name in names(streams.take(3, source))]

    assert seen == 3 * filed


def test_in_file_order_a_stream_goes_on_from_its_cursor() -> None:
    streams = RowStreams(ROWS, seed=5, taken={"": 12}, order="file")

    assert names(streams.take(4)) == [5, 6, 0, 1]


def test_a_source_gives_its_own_rows_and_does_not_disturb_the_plain_shuffle() -> None:
    plain, mixed = RowStreams(ROWS, seed=1), RowStreams(ROWS, seed=1)

    chosen = mixed.take(8, "odd")

    assert {row.source for row in chosen} == {"odd"}
    assert names(mixed.take(5)) == names(plain.take(5))


def test_a_source_that_the_mixture_lacks_is_named() -> None:
    with pytest.raises(StudyError, match=r"'safety'.*even, odd"):
        RowStreams(ROWS, seed=1).take(1, "safety")
