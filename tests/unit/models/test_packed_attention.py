from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safebasin.models.packed_attention import rows_apart
from safebasin.models.packing import PackedRows, pack_rows
from torch import Tensor
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

HEADS, SHARED, SIZE = 4, 2, 8
ROWS = st.lists(st.lists(st.integers(0, 1), min_size=1, max_size=6), min_size=1, max_size=5)


class Layer(torch.nn.Module):
    """What an attention function reads of its layer."""

    is_causal = True
    num_key_value_groups = HEADS // SHARED


def states(width: int) -> list[Tensor]:
    torch.manual_seed(0)
    heads = (HEADS, SHARED, SHARED)
    return [torch.randn(1, each, width, SIZE, dtype=torch.float64) for each in heads]


def attend(pack: PackedRows, mask: Tensor, given: list[Tensor]) -> Tensor:
    """Attend as a model does."""
    return ALL_ATTENTION_FUNCTIONS["sdpa"](Layer(), *given, mask, dropout=0.0, scaling=0.3)[0]


def pack_of(rows: list[list[int]]) -> PackedRows:
    return pack_rows(rows, torch.device("cpu"), torch.float64)


@given(ROWS)
def test_it_is_what_the_mask_gives_and_so_are_its_gradients(rows: list[list[int]]) -> None:
    pack = pack_of(rows)
    masked, apart = (
        [each.requires_grad_() for each in states(pack.tokens.shape[1])] for _ in range(2)
    )

    wanted = attend(pack, pack.mask, masked)
    with rows_apart(pack):
        got = attend(pack, pack.mask, apart)

    torch.testing.assert_close(got, wanted)
    weights = torch.randn(got.shape, dtype=torch.float64)
    for mine, theirs in zip(
        torch.autograd.grad((got * weights).sum(), apart),
        torch.autograd.grad((wanted * weights).sum(), masked),
        strict=True,
    ):
        torch.testing.assert_close(mine, theirs)


def test_no_row_is_held_against_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is computed grows with the rows, and not with their square."""
    sdpa, seen = ALL_ATTENTION_FUNCTIONS["sdpa"], []

    def watched(module, query, key, value, mask, **options):
        seen.append((len(query), query.shape[2], key.shape[2]))
        return sdpa(module, query, key, value, mask, **options)

    monkeypatch.setitem(ALL_ATTENTION_FUNCTIONS, "sdpa", watched)
    pack = pack_of([[9, 9, 9, number, 5, 6] for number in range(7)])
    with rows_apart(pack):
        attend(pack, pack.mask, states(pack.tokens.shape[1]))

    assert seen == [(7, 3, 6), (1, 3, 3)]


def test_another_mask_than_the_packs_is_taken_as_it_is() -> None:
    pack = pack_of([[1, 2, 3], [1, 4, 5]])
    given, mask = states(pack.tokens.shape[1]), torch.zeros_like(pack.mask)

    wanted = attend(pack, mask, given)
    with rows_apart(pack):
        got = attend(pack, mask, given)

    assert torch.equal(got, wanted)


def test_attention_is_the_models_own_again_whatever_happened() -> None:
    before = ALL_ATTENTION_FUNCTIONS["sdpa"]

    with pytest.raises(RuntimeError), rows_apart(pack_of([[1, 2], [1, 3]])):
        raise RuntimeError

    assert ALL_ATTENTION_FUNCTIONS["sdpa"] is before
