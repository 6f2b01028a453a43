"""Keys and values of a batch that is being decoded, with room for the tokens to come.

transformers' own cache copies everything it holds for every new token; this one writes the new
token behind the others. The sums of attention are the same to the bit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

if TYPE_CHECKING:
    from torch import Tensor


class GrowingLayer(DynamicLayer):  # type: ignore[no-untyped-call]
    """One layer's keys and values, each (rows, heads, tokens, head size), in larger tensors."""

    def __init__(self) -> None:
        """Hold nothing yet."""
        super().__init__()  # type: ignore[no-untyped-call]
        self._places: list[Tensor] = []

    def update(
        self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any
    ) -> tuple[Tensor, Tensor]:
        """Write the new tokens' states behind the others and return all of them."""
        held = self.get_seq_length()
        end = held + key_states.shape[-2]
        if not self._places or self._places[0].shape[-2] < end:
            self._move(key_states, value_states, held, end)
        for place, states in zip(self._places, (key_states, value_states), strict=True):
            place[..., held:end, :] = states
        return self._show(end)

    def batch_repeat_interleave(self, repeats: int) -> None:
        """Repeat every row."""
        super().batch_repeat_interleave(repeats)
        self._places = []  # the next update makes room

    def batch_select_indices(self, indices: Tensor) -> None:
        """Keep these rows alone."""
        held = self.get_seq_length()
        if held and self._places:
            self._places = [place[indices] for place in self._places]
            self._show(held)
        else:
            super().batch_select_indices(indices)

    def take(self, other: GrowingLayer, rows: slice, of: int, *, head: int, tokens: int) -> None:
        """Hold the rows of ``other`` as ``rows`` of ``of``, with ``tokens`` columns.

        Where ``other`` has fewer, the gap is behind the head: zeros, to be masked.
        """
        keys, values = other._show(other.get_seq_length())
        if not self._places:
            self._place(keys, values, of, tokens)
        gap = tokens - keys.shape[-2]
        for place, states in zip(self._places, (keys, values), strict=True):
            place[rows, :, :head] = states[:, :, :head]
            place[rows, :, head : head + gap] = 0
            place[rows, :, head + gap : tokens] = states[:, :, head:]
        self._show(tokens)

    def _move(self, keys: Tensor, values: Tensor, held: int, tokens: int) -> None:
        """Make a place for so many tokens and bring there what is held."""
        before = self.keys, self.values
        self._place(keys, values, len(keys), tokens)
        for place, old in zip(self._places, before, strict=True):
            if old is not None and held:
                place[..., :held, :] = old

    def _place(self, keys: Tensor, values: Tensor, rows: int, tokens: int) -> None:
        """Make a place for states like these, of so many rows and tokens, with room for more."""
        room = tokens + tokens // 4 + 1
        self._places = [
            states.new_empty((rows, states.shape[1], room, states.shape[-1]))
            for states in (keys, values)
        ]
        self.is_initialized = True

    def _show(self, tokens: int) -> tuple[Tensor, Tensor]:
        keys, values = (place[..., :tokens, :] for place in self._places)
        self.keys, self.values = keys, values
        return keys, values


def growing_cache(config: Any) -> DynamicCache:
    """Return an empty cache for a model; layers of another kind (sliding windows) stay theirs."""
    cache = DynamicCache(config=config)
    cache.layers = [GrowingLayer() if type(one) is DynamicLayer else one for one in cache.layers]
    return cache


def takes_rows(cache: DynamicCache) -> bool:
    """Say whether rows of other caches can be brought into this one."""
    return all(isinstance(layer, GrowingLayer) for layer in cache.layers)


def take_rows(
    cache: DynamicCache, part: DynamicCache, rows: slice, of: int, *, head: int, tokens: int
) -> None:
    """Bring the rows of ``part`` into ``cache``, layer by layer; see ``GrowingLayer.take``."""
    for layer, other in zip(cache.layers, part.layers, strict=True):
        assert isinstance(layer, GrowingLayer)
        assert isinstance(other, GrowingLayer)
        layer.take(other, rows, of, head=head, tokens=tokens)
