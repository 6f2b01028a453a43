"""Attention over packed rows, each row by itself.

With the mask of a pack a model computes attention between all its rows and throws most of it away:
seven eighths where eight rows share little. Here the rows' queries, keys and values are laid beside
each other, and the model's own attention function runs on them. Whatever does not come by that
function (a model with attention of its own, a recomputation for checkpointing) goes by the mask.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    from safebasin.models.packing import PackedRows

_REPLACED = "sdpa"

Attention = Callable[..., tuple["Tensor", Any]]
"""(module, query, key, value, mask, ...) to (1, tokens, heads, head size) and whatever else."""


@contextmanager
def rows_apart(pack: PackedRows) -> Iterator[None]:
    """Have PyTorch's attention, where a model uses it, look at the rows of ``pack`` one by one."""
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    if len(pack.columns) == 1:
        yield
        return
    whole: Attention = ALL_ATTENTION_FUNCTIONS[_REPLACED]
    ALL_ATTENTION_FUNCTIONS[_REPLACED] = partial(_attend_apart, whole, _Places.of(pack))
    try:
        yield
    finally:
        ALL_ATTENTION_FUNCTIONS[_REPLACED] = whole


@dataclass(frozen=True, slots=True, kw_only=True)
class _Places:
    """Where the tokens of a pack stand when its rows lie beside each other.

    Rows are filled up with their own last token. What that sees does not matter: it is taken out
    again, and nothing before it sees it. A column that several rows share is attended in each.
    """

    pack: PackedRows
    queries: Tensor
    """(rows, longest): columns of the pack."""
    keys: Tensor
    """(rows, head + longest): the same behind the head's."""
    mask: Tensor
    """(1, 1, longest, head + longest): a token sees the head and its row up to itself."""
    own: Tensor
    """Where among all rows' tokens each column of the pack behind the head stands first."""

    @classmethod
    def of(cls, pack: PackedRows) -> _Places:
        import torch

        device, head = pack.tokens.device, pack.head
        longest = max(map(len, pack.columns))
        queries = torch.tensor(
            [[row[min(place, len(row) - 1)] for place in range(longest)] for row in pack.columns]
        )
        keys = torch.cat([torch.arange(head).expand(len(queries), head), queries], dim=1)
        later = torch.ones(longest, head + longest, dtype=torch.bool).triu(head + 1)
        mask = torch.zeros(later.shape, dtype=pack.mask.dtype).masked_fill(later, float("-inf"))
        first: dict[int, int] = {}
        for number, row in enumerate(pack.columns):
            for place, column in enumerate(row):
                first.setdefault(column, number * longest + place)
        return cls(
            pack=pack,
            queries=queries.to(device),
            keys=keys.to(device),
            mask=mask[None, None].to(device),
            own=torch.tensor([first[column] for column in sorted(first)], device=device),
        )


def _attend_apart(
    whole: Attention,
    places: _Places,
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    **options: Any,
) -> tuple[Tensor, Any]:
    """Return what ``whole`` would; query, key and value are (1, heads, tokens, head size)."""
    import torch

    pack, head = places.pack, places.pack.head
    if attention_mask is not pack.mask or options.get("position_bias") is not None:
        return whole(module, query, key, value, attention_mask, **options)
    rows, rest = whole(
        module,
        _beside(query, places.queries),
        _beside(key, places.keys),
        _beside(value, places.keys),
        places.mask,
        **options,
    )
    parts = [rows.flatten(0, 1).index_select(0, places.own)]
    if head:
        sees = pack.mask[..., :head, :head]
        first = (each[:, :, :head] for each in (query, key, value))
        parts.insert(0, whole(module, *first, sees, **options)[0][0])
    return torch.cat(parts)[None], rest


def _beside(states: Tensor, columns: Tensor) -> Tensor:
    """Return (1, heads, tokens, size) ``states`` as (rows, heads, columns, size)."""
    _, heads, _, size = states.shape
    taken = states[0].index_select(1, columns.flatten())
    return taken.reshape(heads, *columns.shape, size).transpose(0, 1)
