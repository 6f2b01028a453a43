"""Prompts that are answered again and again, each time with another tail, and read only once.

A prefix search asks the same pages with every candidate behind them. A page is many times as long
as a candidate, so reading it once leaves little but the replies to be computed.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from safebasin.models.chat import ChatFormat
from safebasin.models.decode import GreedyDecoder, ReadBatch
from safebasin.models.generate import (
    Answer,
    answer_of,
    batch_by_length,
    end_tokens,
    generate_answers,
)
from safebasin.models.padding import common_head

if TYPE_CHECKING:
    from safebasin.models.load import LoadedModel


class ReadPrompts:
    """Prompts and their keys and values, which hold as long as the model is not changed.

    They are kept where the prompts fit into one batch, since the size of a batch is what bounds
    memory: what is kept takes as much again. More prompts than that are read anew each time.
    """

    def __init__(
        self, loaded: LoadedModel, prompts: Sequence[Sequence[int]], batch_size: int
    ) -> None:
        """Take the tokens of each prompt; they are read when they are first needed."""
        self._loaded = loaded
        self._chat = ChatFormat(loaded.tokenizer)
        self._prompts = prompts
        self._batch_size = batch_size

    def answers(self, longer: Sequence[Sequence[int]], max_new_tokens: int) -> list[Answer]:
        """Return the greedy answer to each of the prompts with a tail, in their order.

        Args:
            longer: Tokens of each prompt and its tail. Where the tails are not one and the same (a
                tokenizer may join the end of a prompt to what follows), all are read anew.
            max_new_tokens: Longest answer, in tokens.
        """
        tail = self._tail_of(longer)
        if not tail or len(longer) > self._batch_size:
            return generate_answers(
                self._loaded,
                longer,
                max_new_tokens=max_new_tokens,
                batch_size=self._batch_size,
            )
        decoded = self._decoder.decode_after(self._read, tail, max_new_tokens)
        answers = {
            place: answer_of(self._chat, longer[place], one)
            for place, one in zip(self._order, decoded, strict=True)
        }
        return [answers[place] for place in range(len(longer))]

    def _tail_of(self, longer: Sequence[Sequence[int]]) -> Sequence[int]:
        """Return what every prompt goes on with; nothing where that differs."""
        both = list(zip(self._prompts, longer, strict=True))
        tails = {tuple(whole[len(prompt) :]) for prompt, whole in both}
        begins = all(tuple(whole[: len(prompt)]) == tuple(prompt) for prompt, whole in both)
        return tails.pop() if begins and len(tails) == 1 else ()

    @cached_property
    def _order(self) -> list[int]:
        (batch,) = batch_by_length(self._prompts, self._batch_size)
        return batch

    @cached_property
    def _decoder(self) -> GreedyDecoder:
        head = common_head(self._prompts)
        ends = end_tokens(self._loaded, self._chat)
        return GreedyDecoder(self._loaded, head, ends, self._chat.has_ended)

    @cached_property
    def _read(self) -> ReadBatch:
        return self._decoder.read([self._prompts[place] for place in self._order])
