"""How a prefix stands after the assistant's header."""

from __future__ import annotations


def opening_of(text: str, ending: str = "\n") -> str:
    """Return ``text`` as an opening: a comment gets its ending, half a sentence gets none.

    Without a line end the model's reply would be part of the comment; the paper's code adds
    nothing, and then a small model ends its turn at once.
    """
    return text + ending if text.startswith("#") else text
