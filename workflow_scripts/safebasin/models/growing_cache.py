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
            self._move(key_states, value_states, held, end + end // 4 + 1)
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

    def _move(self, keys: Tensor, values: Tensor, held: int, room: int) -> None:
        """Make a place of ``room`` tokens and bring there what is held."""
        self._places = []
        for new, old in ((keys, self.keys), (values, self.values)):
            place = new.new_empty((*new.shape[:-2], room, new.shape[-1]))
            if old is not None and held:
                place[..., :held, :] = old
            self._places.append(place)
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
