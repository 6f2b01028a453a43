from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from safebasin.models.padding import common_head

ROWS = st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=8), min_size=1, max_size=6)


@given(rows=ROWS)
def test_the_common_head_is_the_longest_that_leaves_each_row_a_token(rows: list[list[int]]) -> None:
    head = list(common_head(rows))
    n = len(head)

    assert all(row[:n] == head and len(row) > n for row in rows)
    longer_fits = all(len(row) > n + 1 and row[: n + 1] == rows[0][: n + 1] for row in rows)
    assert not longer_fits


def test_padding_stands_on_the_left_and_positions_count_real_tokens_only() -> None:
    import torch
    from safebasin.models.padding import pad_left

    batch = pad_left([(7, 8, 1, 2, 3), (7, 8, 4)], head=2, filler=0, device=torch.device("cpu"))

    assert batch.tokens.tolist() == [[1, 2, 3], [0, 0, 4]]
    assert batch.mask.tolist() == [[1, 1, 1, 1, 1], [1, 1, 0, 0, 1]]
    assert batch.positions[0].tolist() == [2, 3, 4]
    assert batch.positions[1, -1] == 2
