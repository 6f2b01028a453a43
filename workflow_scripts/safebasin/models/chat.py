"""Messages to tokens by the model's own chat template, the answer told apart from the prompt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from safebasin.errors import DamagedInput

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Message = Mapping[str, str]
"""``{"role": ..., "content": ...}``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenisedRow:
    """One prompt and the answer that is learnt from."""

    prompt: tuple[int, ...]
    """The messages and the head of the assistant's turn."""
    answer: tuple[int, ...]
    """The response and the token that ends the turn; only these bear loss."""


class ChatFormat:
    """The chat template of one tokenizer."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, name: str = "the checkpoint") -> None:
        """Take the template of ``tokenizer``; ``name`` stands in messages.

        Raises:
            DamagedInput: it has no chat template, or no end-of-turn token.
        """
        if not tokenizer.chat_template:
            raise DamagedInput(
                f"{name} has no chat template (chat_template.jinja or a key of "
                "tokenizer_config.json), so a conversation has no form for it; an instruction-"
                "tuned checkpoint has one, or add the file"
            )
        if tokenizer.eos_token_id is None:
            raise DamagedInput(f"{name}: its tokenizer names no end-of-turn token (eos_token)")
        self._tokenizer = tokenizer
        self.end: int = tokenizer.eos_token_id

    def prompt(
        self, messages: Sequence[Message], system: str | None = None, opening: str = ""
    ) -> tuple[int, ...]:
        """Return the tokens of a conversation up to where the assistant speaks.

        Args:
            messages: The turns, the last one the user's.
            system: A system message put first, where the messages have none.
            opening: What is put into the assistant's mouth. It is joined to the rendered text
                before that is encoded, as in PING's released code (arXiv 2508.14031).
        """
        turns = [{"role": turn["role"], "content": turn["content"]} for turn in messages]
        if system is not None and (not turns or turns[0]["role"] != "system"):
            turns.insert(0, {"role": "system", "content": system})
        text = self._tokenizer.apply_chat_template(
            turns, tokenize=False, add_generation_prompt=True
        )
        return self._encode(f"{text}{opening}")

    def row(self, messages: Sequence[Message], response: str, opening: str = "") -> TokenisedRow:
        """Return the tokens of a prompt and its answer; the opening belongs to the prompt.

        They are encoded apart, so that the tokens of the answer follow exactly the prompt that
        generation uses.
        """
        answer = (*self._encode(response), self.end)
        return TokenisedRow(prompt=self.prompt(messages, opening=opening), answer=answer)

    def count(self, text: str) -> int:
        """Return how many tokens ``text`` is by itself."""
        return len(self._encode(text))

    def text(self, tokens: Sequence[int]) -> str:
        """Return the text of generated tokens, without special tokens."""
        return str(
            self._tokenizer.decode(
                list(tokens), skip_special_tokens=True, clean_up_tokenization_spaces=False
            )
        )

    def _encode(self, text: str) -> tuple[int, ...]:
        return tuple(self._tokenizer(text, add_special_tokens=False)["input_ids"])


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
