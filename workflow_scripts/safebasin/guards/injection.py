"""What a guard adds to an agent's prompt, as text and by place."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Injection:
    """Texts to put into every turn's prompt; the agent's own prompt is not changed otherwise.

    Nothing here is the agent's own words: a judge reads the continuation after ``opening`` and
    never the opening itself.
    """

    system: str | None = None
    """Put after the world's system message."""
    before_task: str | None = None
    """Put at the head of the user's turn, before the task."""
    suffix: str | None = None
    """Put at the end of the last user's turn."""
    opening: str = ""
    """Put right after the assistant header; the model goes on from its last character."""
