"""Greedy decoding of one batch, with the head that all prompts share computed once.

Prompts are read some at a time and their replies decoded all at once: reading some hundred tokens
keeps a processor or a GPU busy, and prompts of like length need little padding; a decoding step
is the cheaper for each row the more rows it has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from safebasin.models.device import is_spread, to_device
from safebasin.models.packing import in_packs
from safebasin.models.padding import last_columns, pad_left

if TYPE_CHECKING:
    from torch import Tensor

    from safebasin.models.load import LoadedModel

StopReason = Literal["eos", "length"]

_READ_AT_ONCE = 512
"""Tokens of prompts in one forward pass, unless one prompt alone is longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """What a model said to one prompt."""

    tokens: tuple[int, ...]
    """Without the token that ended the turn (words that did so are in it)."""
    stop: StopReason


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadBatch:
    """Prompts that a model has read, and may go on from any number of times."""

    mask: Tensor
    """(rows, head + width): 1 where a token is, 0 where padding is."""
    last: Tensor
    """(rows, 1): the place of each prompt's last token in its own text."""
    cache: Any
    likeliest: list[int]
    """The token that each prompt goes on with."""


class GreedyDecoder:
    """Takes the likeliest token each time (the first of equals), for many prompts at once."""

    def __init__(
        self,
        loaded: LoadedModel,
        head: Sequence[int],
        ends: frozenset[int],
        has_ended: Callable[[Sequence[int]], bool] = lambda _: False,
    ) -> None:
        """Compute the states of ``head``, which every prompt begins with; it may be empty.

        A sliding window counts columns, those of padding too, and padding stands behind the head:
        a model that has one is given no head, but reads all prompts in one piece.

        Args:
            loaded: The model.
            head: Tokens.
            ends: The tokens that end a turn.
            has_ended: Whether the newest of some new tokens ends the turn in words.
        """
        self._model = loaded.model
        self._device = loaded.device
        self._ends = ends
        self._has_ended = has_ended
        self._filler = min(ends, default=0)
        self._cache = self._empty_cache()
        self._head = 0 if any(self._cache.is_sliding) else len(head)
        if self._head:
            self._cache = self._states_of(head)

    def decode(self, prompts: Sequence[Sequence[int]], longest: int) -> list[Decoded]:
        """Return at most ``longest`` new tokens for each prompt.

        A row that has ended leaves the batch, so that long answers do not pay for short ones.
        """
        read = self.read(prompts)
        return self._say(read.likeliest, read.mask, read.last, read.cache, longest)

    def read(self, prompts: Sequence[Sequence[int]]) -> ReadBatch:
        """Return the states of the prompts, to go on from with ``decode_after``.

        Neighbours are read together, so prompts are best given in the order of their lengths.
        """
        import torch

        from safebasin.models.growing_cache import take_rows, takes_rows

        batch = pad_left(prompts, self._head, self._filler, self._device)
        sizes = [len(prompt) - self._head for prompt in prompts]
        cache = self._empty_cache()
        pieces = list(in_packs(sizes, _READ_AT_ONCE if takes_rows(cache) else sum(sizes)))
        likeliest: list[int] = []
        with torch.inference_mode():
            for rows in pieces:
                piece = batch.part(rows, max(sizes[rows]))
                states = self._head_states(len(piece.tokens))
                likeliest += self._next(piece.tokens, piece.mask, piece.positions, states)
                if len(pieces) == 1:
                    cache = states
                else:
                    whole = len(prompts), batch.mask.shape[1]
                    take_rows(cache, states, rows, whole[0], head=self._head, tokens=whole[1])
        last = batch.positions[:, -1:]
        return ReadBatch(mask=batch.mask, last=last, cache=cache, likeliest=likeliest)

    def decode_after(self, read: ReadBatch, tail: Sequence[int], longest: int) -> list[Decoded]:
        """Return what ``decode`` would, were ``tail`` (not empty) at the end of each prompt."""
        import torch

        rows, size = len(read.mask), len(tail)
        tokens = to_device(torch.tensor([list(tail)] * rows), self._device)
        mask = torch.nn.functional.pad(read.mask, (0, size), value=1)
        positions = read.last + torch.arange(1, size + 1, device=read.last.device)
        cache = deepcopy(read.cache)
        with torch.inference_mode():
            chosen = self._next(tokens, mask, positions, cache)
        return self._say(chosen, mask, positions[:, -1:], cache, longest)

    def _say(
        self, chosen: list[int], mask: Tensor, last: Tensor, cache: Any, longest: int
    ) -> list[Decoded]:
        """Go on with the likeliest from the first new token of each row; the cache is used up.

        Args:
            chosen: The first new token of each row.
            mask: (rows, tokens in the cache).
            last: (rows, 1): the place of each row's last token in its own text.
            cache: Keys and values of all tokens before the new one.
            longest: New tokens at most.
        """
        import torch

        said: list[list[int]] = [[] for _ in chosen]
        stops: list[StopReason] = ["length"] * len(chosen)
        alive = list(range(len(chosen)))
        with torch.inference_mode():
            for count in range(1, longest + 1):
                kept = []
                for place, (row, token) in enumerate(zip(alive, chosen, strict=True)):
                    if token in self._ends:
                        stops[row] = "eos"
                        continue
                    said[row].append(token)
                    if self._has_ended(said[row]):
                        stops[row] = "eos"
                        continue
                    kept.append(place)
                if not kept or count == longest:
                    break
                if len(kept) < len(alive):
                    rows = self._indices(kept)
                    cache.batch_select_indices(rows)
                    mask, last = mask[rows], last[rows]
                    alive = [alive[place] for place in kept]
                latest = torch.tensor([[chosen[place]] for place in kept])
                mask, last = torch.nn.functional.pad(mask, (0, 1), value=1), last + 1
                chosen = self._next(to_device(latest, self._device), mask, last, cache)
        return [
            Decoded(tokens=tuple(words), stop=stop) for words, stop in zip(said, stops, strict=True)
        ]

    def _next(self, tokens: Any, mask: Any, positions: Any, cache: Any) -> list[int]:
        """Return each row's likeliest next token."""
        logits = self._model(
            input_ids=tokens,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
            # Indices would be on the first GPU of a spread model, and its last states are not.
            logits_to_keep=1 if is_spread(self._device) else last_columns(tokens, 1),
        ).logits
        chosen: list[int] = logits[:, -1].float().argmax(dim=-1).tolist()  # waits, once a token
        return chosen

    def _indices(self, places: Sequence[int]) -> Tensor:
        """Return indices of rows; a spread model has its cache on several GPUs, and indices on the
        CPU fit each.
        """
        import torch

        indices = torch.tensor(places)
        return indices if is_spread(self._device) else to_device(indices, self._device)

    def _head_states(self, rows: int) -> Any:
        """Return a cache of its own for so many rows, the head in it."""
        cache = deepcopy(self._cache)
        cache.batch_repeat_interleave(rows)
        return cache

    def _states_of(self, head: Sequence[int]) -> Any:
        """Return the cache after ``head``, for one row."""
        import torch

        cache = self._empty_cache()
        if head:
            tokens = torch.tensor([list(head)], device=self._device)
            with torch.inference_mode():
                self._model(
                    input_ids=tokens, past_key_values=cache, use_cache=True, logits_to_keep=1
                )
        return cache

    def _empty_cache(self) -> Any:
        from safebasin.models.growing_cache import growing_cache

        return growing_cache(self._model.config)
