"""Greedy decoding of one batch, with the head that all prompts share computed once."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from safebasin.models.device import is_spread, to_device
from safebasin.models.padding import last_columns, pad_left

if TYPE_CHECKING:
    from torch import Tensor

    from safebasin.models.load import LoadedModel

StopReason = Literal["eos", "length"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """What a model said to one prompt."""

    tokens: tuple[int, ...]
    """Without the token that ended the turn."""
    stop: StopReason


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadBatch:
    """Prompts that a model has read, and may go on from any number of times."""

    mask: Tensor
    """(rows, head + width): 1 where a token is, 0 where padding is."""
    last: Tensor
    """(rows, 1): the place of each prompt's last token in its own text."""
    cache: Any


class GreedyDecoder:
    """Takes the likeliest token each time (the first of equals), for many prompts at once."""

    def __init__(self, loaded: LoadedModel, head: Sequence[int], ends: frozenset[int]) -> None:
        """Compute the states of ``head``, which every prompt begins with; it may be empty.

        A sliding window counts columns, those of padding too, and padding stands behind the head:
        a model that has one is given no head, but reads every prompt in one piece.
        """
        self._model = loaded.model
        self._device = loaded.device
        self._ends = ends
        self._filler = min(ends)
        self._cache = self._states_of(())
        self._head = 0 if any(self._cache.is_sliding) else len(head)
        if self._head:
            self._cache = self._states_of(head)

    def decode(self, prompts: Sequence[Sequence[int]], longest: int) -> list[Decoded]:
        """Return at most ``longest`` new tokens for each prompt.

        A row that has ended leaves the batch, so that long answers do not pay for short ones.
        """
        batch = pad_left(prompts, self._head, self._filler, self._device)
        cache = self._head_states(len(prompts))
        return self._say(batch.tokens, batch.mask, batch.positions, cache, longest)

    def read(self, prompts: Sequence[Sequence[int]]) -> ReadBatch:
        """Return the states of the prompts, to go on from with ``decode_after``."""
        import torch

        batch = pad_left(prompts, self._head, self._filler, self._device)
        cache = self._head_states(len(prompts))
        with torch.inference_mode():
            self._next(batch.tokens, batch.mask, batch.positions, cache)
        return ReadBatch(mask=batch.mask, last=batch.positions[:, -1:], cache=cache)

    def decode_after(self, read: ReadBatch, tail: Sequence[int], longest: int) -> list[Decoded]:
        """Return what ``decode`` would, were ``tail`` (not empty) at the end of each prompt."""
        import torch

        rows, size = len(read.mask), len(tail)
        tokens = torch.tensor([list(tail)] * rows)
        mask = torch.nn.functional.pad(read.mask, (0, size), value=1)
        positions = read.last + torch.arange(1, size + 1, device=read.last.device)
        cache = deepcopy(read.cache)
        return self._say(to_device(tokens, self._device), mask, positions, cache, longest)

    def _say(
        self, tokens: Tensor, mask: Tensor, positions: Tensor, cache: Any, longest: int
    ) -> list[Decoded]:
        """Feed ``tokens`` (rows, width) and go on with the likeliest; the cache is used up."""
        import torch

        said: list[list[int]] = [[] for _ in tokens]
        stops: list[StopReason] = ["length"] * len(tokens)
        alive = list(range(len(tokens)))
        with torch.inference_mode():
            for count in range(1, longest + 1):
                chosen = self._next(tokens, mask, positions, cache)
                kept = []
                for place, (row, token) in enumerate(zip(alive, chosen, strict=True)):
                    if token in self._ends:
                        stops[row] = "eos"
                        continue
                    said[row].append(token)
                    kept.append(place)
                if not kept or count == longest:
                    break
                if len(kept) < len(alive):
                    rows = self._indices(kept)
                    cache.batch_select_indices(rows)
                    mask, positions = mask[rows], positions[rows]
                    alive = [alive[place] for place in kept]
                latest = torch.tensor([[chosen[place]] for place in kept])
                tokens = to_device(latest, self._device)
                mask = torch.nn.functional.pad(mask, (0, 1), value=1)
                positions = positions[:, -1:] + 1
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

        from safebasin.models.growing_cache import growing_cache

        cache = growing_cache(self._model.config)
        if head:
            tokens = torch.tensor([list(head)], device=self._device)
            with torch.inference_mode():
                self._model(
                    input_ids=tokens, past_key_values=cache, use_cache=True, logits_to_keep=1
                )
        return cache
