"""How a turn of the assistant ends, by what its chat template writes after an answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What ends a turn, and how it is known in generated tokens."""

    text: str = ""
    """What the template writes after an answer, up to and including its end of turn."""
    tokens: tuple[int, ...] = ()
    """The tokenizer's own tokens that end the turn, mostly one, the one that is learnt last; none
    where words do."""
    words: str = ""
    """The end of turn as it reads, where it is no token of the tokenizer's own."""

    @property
    def is_written(self) -> bool:
        """Whether the template itself ends a turn; else the tokenizer's token stands behind it."""
        return bool(self.text)


def ending_of(tail: str, tokenizer: PreTrainedTokenizerBase, between: str = "") -> Ending:
    """Return how a turn ends.

    It ends with the first of the tokenizer's own (added) tokens that is more than white space; and
    with its end-of-text token, where the template writes that right behind the first after every
    answer (which may have an end of its own, within the turn).
    Where the template writes words alone, it ends with them: they are learnt as the tokens that
    they are, and looked for in the text that is generated. Where it writes nothing but white
    space, it ends with the tokenizer's end-of-text token, or where another turn begins. White
    space after the end is no part of it.

    Args:
        tail: What the template writes after an answer.
        tokenizer: Its tokenizer.
        between: What it writes after one that another question follows.
    """
    own = {str(token): place for place, token in tokenizer.added_tokens_decoder.items()}
    last = end_of_text(tokenizer)
    eos = None if last is None else str(tokenizer.eos_token)
    if eos is not None and last is not None:
        own[eos] = last
    if (first := _first_of(own, tail)) is not None:
        text = tail[: tail.index(first) + len(first)]
        both = f"{text}{eos}"
        if eos not in (None, first) and tail.startswith(both) and between.startswith(both):
            return Ending(text=both, tokens=(own[first], own[eos]))
        return Ending(text=text, tokens=(own[first],))
    if words := tail.strip():
        return Ending(text=tail.rstrip(), words=words)
    next_turn = _first_of(own, between)
    ends = (None if next_turn is None else own[next_turn], last)
    return Ending(tokens=tuple(token for token in ends if token is not None))


def _first_of(own: Mapping[str, int], text: str) -> str | None:
    """Return the token that comes first in a text, the longest of those that begin there."""
    places = [
        (text.find(content), -len(content), content)
        for content in own
        if content.strip() and content in text
    ]
    return min(places)[2] if places else None


def end_of_text(tokenizer: PreTrainedTokenizerBase) -> int | None:
    """Return the tokenizer's end-of-text token; None where it names none that it has."""
    token, content = tokenizer.eos_token_id, tokenizer.eos_token
    known = isinstance(token, int) and tokenizer.convert_ids_to_tokens(token) == content
    return token if known else None
