"""Messages to tokens by the model's own chat template, the answer told apart from the prompt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from safebasin.errors import DamagedInput
from safebasin.models.chat_ending import Ending, end_of_text, ending_of
from safebasin.models.chat_lead import Lead, marks_thought, open_thought
from safebasin.models.chat_template import template_of
from safebasin.templates.conversation import Message, TemplateFault

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


_LOOKED_AT = 16
"""Tokens at the end of a prompt in which a thought may be opened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenisedRow:
    """One prompt and the answer that is learnt from."""

    prompt: tuple[int, ...]
    """The messages and the head of the assistant's turn."""
    answer: tuple[int, ...]
    """The response and what ends the turn; only these bear loss."""


class ChatFormat:
    """The chat template of one tokenizer, and how a turn ends in it."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, name: str = "") -> None:
        """Take the template of ``tokenizer``; ``name`` stands in messages.

        Raises:
            DamagedInput: it has no chat template, or nothing that ends a turn.
        """
        self._tokenizer = tokenizer
        name = name or f"checkpoint {Path(tokenizer.name_or_path or 'in memory').name}"
        self._template = template_of(tokenizer, name)
        frame = self._template.frame()
        self._tail = frame.after
        self._kept = {
            place: str(token)
            for place, token in tokenizer.added_tokens_decoder.items()
            if token.special and marks_thought(str(token))
        }
        self._lead = self._lead_of(frame.before)
        special = set(tokenizer.all_special_ids)
        self._kept |= {
            token: self._decode([token], whole=True)
            for token in self._lead.tokens
            if token in special
        }
        self.ending: Ending = ending_of(self._tail, tokenizer, frame.between)
        if not self.ending.tokens and not self.ending.text:
            raise DamagedInput(
                f"{name}: neither its chat template ends an assistant's turn, nor does its "
                "tokenizer name an end-of-turn token (eos_token)"
            )

    @property
    def ends(self) -> frozenset[int]:
        """The tokens that end a turn: the template's, and the tokenizer's."""
        last = end_of_text(self._tokenizer)
        return frozenset(self.ending.tokens if last is None else (*self.ending.tokens, last))

    @property
    def end(self) -> int:
        """The last token of a turn."""
        return (self.ending.tokens or self._encode(self.ending.text))[-1]

    def prompt(
        self, messages: Sequence[Message], system: str | None = None, opening: str = ""
    ) -> tuple[int, ...]:
        """Return the tokens of a conversation up to where the assistant speaks.

        Args:
            messages: The turns, the last one the user's.
            system: A system message put first, where the messages have none.
            opening: What is put into the assistant's mouth. It is joined to the rendered text
                before that is encoded, as in PING's released code (arXiv 2508.14031).

        Raises:
            TemplateFault: the template refuses the conversation, or leaves out or changes some
                of it.
        """
        turns = list(messages)
        if system is not None and (not turns or turns[0]["role"] != "system"):
            turns.insert(0, {"role": "system", "content": system})
        return self._encode(self._opened(turns, opening))

    def row(self, messages: Sequence[Message], response: str, opening: str = "") -> TokenisedRow:
        """Return the tokens of a prompt and its answer; the opening belongs to the prompt.

        The prompt is that of generation. The answer goes on from it as the template writes it, up
        to and including what ends the turn (after an opening, the response follows at once).

        Raises:
            TemplateFault: the template refuses the conversation, changes some of it, or writes
                another prompt before an answer than without one.
            DamagedInput: the tokens of prompt and answer are not those of the text.
        """
        said = response if opening else self._said(messages, response)
        before = self._opened(messages, opening)
        prompt = self._encode(before)
        answer = self._continued(prompt, before, f"{said}{self.ending.text}")
        if not self.ending.is_written:
            answer = (*answer, self.end)
        return TokenisedRow(prompt=prompt, answer=answer)

    def count(self, text: str) -> int:
        """Return how many tokens ``text`` is by itself."""
        return len(self._encode(text))

    def text(self, tokens: Sequence[int], prompt: Sequence[int] = ()) -> str:
        """Return what was said to a prompt, of the generated tokens.

        That is without special tokens, what ends the turn, and what the template writes before an
        answer. A thought is part of it, with its marks: also one that the prompt opened.
        """
        said = self._before_end(self._lead.skipped(tokens))
        if self._lead.text and said.startswith(self._lead.text):
            return said.removeprefix(self._lead.text)
        return open_thought(self._decode(prompt[-_LOOKED_AT:], whole=True)) + said

    def has_ended(self, tokens: Sequence[int]) -> bool:
        """Return whether the newest of generated tokens completes an end of turn in words."""
        words = self.ending.words
        return bool(words) and words in self._decode(tokens[-4 * len(words) - 4 :])

    def size(self, tokens: Sequence[int]) -> int:
        """Return how many generated tokens stand before an end of turn in words."""
        if not self.has_ended(tokens):
            return len(tokens)
        before = len(self._before_end(tokens))
        return next(
            (n for n in range(len(tokens)) if len(self._decode(tokens[:n])) >= before), len(tokens)
        )

    def _before_end(self, tokens: Sequence[int]) -> str:
        """Return the text of generated tokens up to an end of turn in words."""
        text = self._visible(tokens)
        words = self.ending.words
        if not words or words not in text:
            return text
        return text.partition(words)[0].removesuffix(self.ending.text.removesuffix(words))

    def _visible(self, tokens: Sequence[int]) -> str:
        """Return the text of tokens without special ones, but with those that mark a thought or a
        lead: what is said under another lead (in another channel) is no answer.
        """
        pieces: list[str] = []
        start = 0
        for place, token in enumerate(tokens):
            if token in self._kept:
                pieces += [self._decode(tokens[start:place]), self._kept[token]]
                start = place + 1
        return "".join([*pieces, self._decode(tokens[start:])])

    def _lead_of(self, text: str) -> Lead:
        tokens = self._encode(text)
        is_plain = self._visible(tokens) == self._decode(tokens, whole=True)
        return Lead(text=text, tokens=() if is_plain else tokens)

    def _opened(self, messages: Sequence[Message], opening: str) -> str:
        """Return a prompt and what is put into the assistant's mouth, behind a lead in tokens."""
        lead = self._lead.text if opening and self._lead.tokens else ""
        return f"{self._template.prompt(messages)}{lead}{opening}"

    def _said(self, messages: Sequence[Message], response: str) -> str:
        """Return an answer as the template writes it after the prompt, without its end."""
        written = self._template.answer(messages, response)
        if not written.endswith(self._tail):
            raise TemplateFault(
                self._template.name,
                f"ends one answer with {self._tail!r} and another with {written[-40:]!r}",
                "give the checkpoint a `chat_template` that ends every answer alike",
            )
        return written.removesuffix(self._tail)

    def _continued(self, prompt: tuple[int, ...], before: str, text: str) -> tuple[int, ...]:
        """Return the tokens of ``text`` after a prompt.

        They are those of the whole text. Where it has another token across the seam, they are
        encoded apart, so that they follow exactly the prompt that generation uses.

        Raises:
            DamagedInput: even then, prompt and answer do not make up the text.
        """
        whole = self._encode(f"{before}{text}")
        if whole[: len(prompt)] == prompt:
            return whole[len(prompt) :]
        for apart in (self._encode(text), self._after_a_line(text)):
            if self._decode((*prompt, *apart), whole=True) == self._decode(whole, whole=True):
                return apart
        raise DamagedInput(
            f"{self._template.name}: its tokenizer does not write the answer {text[:80]!r} after "
            "a prompt as it writes both together, so an answer cannot be learnt as it would be "
            "given; a `chat_template` that ends a prompt with a token of its own is right"
        )

    def _after_a_line(self, text: str) -> tuple[int, ...]:
        """Encode ``text`` as what does not begin a text (there, some tokenizers add a blank)."""
        line = self._encode("\n")
        both = self._encode(f"\n{text}")
        return both[len(line) :] if both[: len(line)] == line else both

    def _encode(self, text: str) -> tuple[int, ...]:
        return tuple(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    def _decode(self, tokens: Sequence[int], *, whole: bool = False) -> str:
        return str(
            self._tokenizer.decode(
                list(tokens), skip_special_tokens=not whole, clean_up_tokenization_spaces=False
            )
        )


def cut(row: TokenisedRow, longest: int) -> TokenisedRow:
    """Return ``row`` with at most ``longest`` tokens, of which at least one is of the prompt.

    The end of the answer goes first, since what comes first decides between help and refusal;
    where the prompt alone is too long, its own head goes and half the room is left to the answer.
    """
    if len(row.prompt) + len(row.answer) <= longest:
        return row
    for_answer = max(min(len(row.answer), longest // 2), longest - len(row.prompt))
    answer = row.answer[:for_answer]
    return TokenisedRow(prompt=row.prompt[-(longest - len(answer)) :], answer=answer)
