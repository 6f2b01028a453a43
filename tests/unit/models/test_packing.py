from __future__ import annotations

from itertools import pairwise

import torch
from hypothesis import given
from hypothesis import strategies as st
from safebasin.models.packing import in_packs, pack_rows

ROWS = st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=6), min_size=1, max_size=5)


@given(ROWS)
def test_every_token_sees_its_own_row_up_to_itself_and_nothing_else(rows: list[list[int]]) -> None:
    pack = pack_rows(rows, torch.device("cpu"), torch.float32)

    for number, row in enumerate(rows):
        for place in range(len(row)):
            seen = (pack.mask[0, 0, pack.column(number, place)] == 0).nonzero().flatten()
            order = pack.positions[0, seen].argsort()
            assert pack.tokens[0, seen][order].tolist() == row[: place + 1]
            assert pack.positions[0, seen][order].tolist() == list(range(place + 1))


@given(ROWS)
def test_what_rows_begin_with_stands_once_and_nothing_is_filled_up(rows: list[list[int]]) -> None:
    pack = pack_rows(rows, torch.device("cpu"), torch.float32)

    beginnings = {tuple(row[: place + 1]) for row in rows for place in range(len(row))}
    assert pack.tokens.shape[1] == len(beginnings)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=9), st.integers(1, 20))
def test_packs_hold_each_row_once_in_order_and_no_more_than_fits(
    sizes: list[int], longest: int
) -> None:
    packs = [sizes[pack] for pack in in_packs(sizes, longest)]

    assert [size for pack in packs for size in pack] == sizes
    assert all(sum(pack) <= longest or len(pack) == 1 for pack in packs)
    assert all(sum(a) + b[0] > longest for a, b in pairwise(packs))
