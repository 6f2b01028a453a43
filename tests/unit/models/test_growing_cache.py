from __future__ import annotations

from pathlib import Path

import torch
from hypothesis import example, given
from hypothesis import strategies as st
from safebasin.models.growing_cache import GrowingLayer, growing_cache
from transformers import AutoConfig
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

WRITE = st.tuples(st.just("write"), st.integers(1, 7))
REPEAT = st.tuples(st.just("repeat"), st.integers(1, 3))
SELECT = st.tuples(st.just("select"), st.integers(0, 2**16))


@example([("write", 5), ("repeat", 3), ("write", 1), ("select", 0b101101), ("write", 1)])
@given(st.lists(st.one_of(WRITE, REPEAT, SELECT), min_size=1, max_size=12))
def test_it_holds_what_the_plain_cache_holds(moves: list[tuple[str, int]]) -> None:
    torch.manual_seed(0)
    plain, growing, rows = DynamicLayer(), GrowingLayer(), 2
    for move, size in moves:
        if move == "write":
            states = torch.randn(2, rows, 3, size, 4)
            wanted = plain.update(states[0], states[1])
            got = growing.update(states[0], states[1])
            assert all(torch.equal(a, b) for a, b in zip(wanted, got, strict=True))
        elif move == "repeat" and plain.get_seq_length() and rows * size <= 16:
            plain.batch_repeat_interleave(size)
            growing.batch_repeat_interleave(size)
            rows *= size
        elif move == "select" and plain.get_seq_length():
            kept = [row for row in range(rows) if size >> row & 1] or [0]
            plain.batch_select_indices(torch.tensor(kept))
            growing.batch_select_indices(torch.tensor(kept))
            rows = len(kept)
        assert growing.get_seq_length() == plain.get_seq_length()
        assert growing.get_mask_sizes(1) == plain.get_mask_sizes(1)
    if plain.get_seq_length():
        assert torch.equal(growing.keys, plain.keys)
        assert torch.equal(growing.values, plain.values)


def test_rows_of_others_are_taken_with_a_gap_of_zeros_behind_the_head() -> None:
    torch.manual_seed(0)
    long, short, whole = GrowingLayer(), GrowingLayer(), GrowingLayer()
    long.update(*torch.randn(2, 1, 3, 6, 4))
    short.update(*torch.randn(2, 2, 3, 4, 4))

    whole.take(long, slice(0, 1), 3, head=2, tokens=6)
    whole.take(short, slice(1, 3), 3, head=2, tokens=6)

    for got, first, second in zip(*([each.keys, each.values] for each in (whole, long, short))):  # noqa: B905
        assert torch.equal(got[:1], first)
        assert torch.equal(got[1:, :, :2], second[:, :, :2])
        assert torch.equal(got[1:, :, 4:], second[:, :, 2:])
        assert not got[1:, :, 2:4].any()
    room = whole.keys.data_ptr()
    whole.update(*torch.randn(2, 3, 3, 1, 4))
    assert whole.keys.data_ptr() == room


def test_a_new_token_does_not_move_the_others() -> None:
    layer = GrowingLayer()
    layer.update(torch.randn(1, 1, 40, 2), torch.randn(1, 1, 40, 2))
    before = layer.keys.data_ptr()

    for _ in range(10):
        layer.update(torch.randn(1, 1, 1, 2), torch.randn(1, 1, 1, 2))

    assert layer.keys.data_ptr() == before


def test_a_sliding_window_keeps_its_own_layer(tiny: Path) -> None:
    config = AutoConfig.from_pretrained(tiny)
    config.sliding_window = 8
    config.layer_types = ["sliding_attention"] + ["full_attention"] * (config.num_hidden_layers - 1)

    kinds = [type(layer) for layer in growing_cache(config).layers]

    assert kinds[0] is DynamicSlidingWindowLayer
    assert set(kinds[1:]) == {GrowingLayer}
