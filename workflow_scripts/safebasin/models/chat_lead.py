"""What a chat template writes before an answer, told apart from what a model says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_OPEN_THOUGHT = re.compile(
    r"(?:<\|?|\[|◁)(?:begin_of_|start_|seed:)?(?:think|thought|reason)\w*(?:\|?>|\]|▷)\s*$",
    re.IGNORECASE,
)
_MARKS_THOUGHT = re.compile(r"think|thought|reason", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """What stands before an answer, in the prompt and behind it."""

    text: str = ""
    """What the template writes between a prompt and an answer."""
    tokens: tuple[int, ...] = ()
    """Its tokens, where some of them are special (the channels of the harmony format): they stand
    before what is said, wherever that begins. Text without special tokens would not show it."""

    def skipped(self, tokens: Sequence[int]) -> Sequence[int]:
        """Return what comes after the last lead among generated tokens; all where there is none."""
        size = len(self.tokens)
        for end in range(len(tokens), size - 1, -1) if size else ():
            if tuple(tokens[end - size : end]) == self.tokens:
                return tokens[end:]
        return tokens


def open_thought(prompt: str) -> str:
    """Return the mark with which a prompt ends and opens a thought, if it does.

    What is generated goes on within that thought, and would look like an answer without the mark.
    """
    found = _OPEN_THOUGHT.search(prompt)
    return "" if found is None else found[0]


def marks_thought(token: str) -> bool:
    """Return whether a special token marks a thought, which is to be seen in the text."""
    return _MARKS_THOUGHT.search(token) is not None
