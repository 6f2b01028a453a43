"""Rows of unequal length as one batch that shares the head all rows have in common.

A chat template opens every conversation with the same tokens (often a system message). In a
causal model their states depend on nothing after them, so they are computed once a batch instead
of once a row: the same sums for half the work where prompts are short. Padding stands on the left
of what differs, so that every row ends in the same column.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from safebasin.models.device import to_device

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class PaddedBatch:
    """Rows without their common head."""

    tokens: Tensor
    """(rows, width), padded on the left."""
    mask: Tensor
    """(rows, head + width): 1 where a token is, 0 where padding is."""
    positions: Tensor
    """(rows, width): the place of each token in its own text."""

    def part(self, rows: slice, width: int) -> PaddedBatch:
        """Return some rows, none longer than ``width``, with no more padding than they need."""
        import torch

        head = self.mask.shape[1] - self.tokens.shape[1]
        return PaddedBatch(
            tokens=self.tokens[rows, -width:],
            mask=torch.cat([self.mask[rows, :head], self.mask[rows, -width:]], dim=1),
            positions=self.positions[rows, -width:],
        )


def common_head(rows: Sequence[Sequence[int]]) -> tuple[int, ...]:
    """Return the longest run of tokens all rows begin with, leaving each at least one token."""
    if not rows:
        return ()
    first, last = (
        min(map(tuple, rows)),
        max(map(tuple, rows)),
    )  # in sorted order these two differ earliest
    room = min(len(row) for row in rows) - 1
    same = 0
    while same < room and first[same] == last[same]:
        same += 1
    return first[:same]


def pad_left(
    rows: Sequence[Sequence[int]], head: int, filler: int, device: torch.device
) -> PaddedBatch:
    """Return the rows without their first ``head`` tokens as one batch.

    Args:
        rows: Tokens of each row, each longer than ``head``.
        head: Tokens that are already in the model's cache for every row.
        filler: The token that fills up; it is masked.
        device: Where the tensors go.
    """
    import torch

    width = max(len(row) for row in rows) - head
    tokens = torch.full((len(rows), width), filler, dtype=torch.long)
    mask = torch.zeros((len(rows), head + width), dtype=torch.long)
    mask[:, :head] = 1
    for index, row in enumerate(rows):
        own = torch.tensor(row[head:], dtype=torch.long)
        tokens[index, width - len(own) :] = own
        mask[index, head + width - len(own) :] = 1
    positions = (mask.cumsum(dim=1) - 1).clamp(min=0)[:, head:]
    return PaddedBatch(
        tokens=to_device(tokens, device),
        mask=to_device(mask, device),
        positions=to_device(positions, device),
    )


def last_columns(tokens: Tensor, count: int) -> Tensor:
    """Return the indices of the last ``count`` columns of (rows, width) ``tokens``.

    Models take them as ``logits_to_keep``. A plain number would do, but makes them slice, and the
    product of a slice with the vocabulary is several times slower on a CPU than that of a copy.
    """
    import torch

    width = tokens.shape[1]
    return torch.arange(width - count, width, device=tokens.device)
