"""An agent's prompt: how to act, the task, what it sees, and what a guard puts there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from safebasin.agents.world import page_message


class Injected(Protocol):
    """What a guard puts into a prompt; None and the empty text put nothing."""

    @property
    def system(self) -> str | None:
        """Put behind the system message."""

    @property
    def before_task(self) -> str | None:
        """Put before the task, in the first user turn."""

    @property
    def suffix(self) -> str | None:
        """Put at the end of the last user turn."""

    @property
    def opening(self) -> str:
        """Put right after the assistant's header; the model goes on from it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing:
    """No guard."""

    system: str | None = None
    before_task: str | None = None
    suffix: str | None = None
    opening: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One turn that has been taken."""

    observation: str
    opening: str
    """What stood after the assistant's header."""
    reply: str
    """What the model said after that."""


def messages_of(
    system: str,
    instruction: str,
    past: Sequence[Turn],
    observation: str,
    injected: Injected,
    *,
    keep_opening: bool = True,
) -> list[dict[str, str]]:
    """Return the messages of an agent's prompt.

    Args:
        system: How to act in this world.
        instruction: The task.
        past: Earlier turns that the agent is shown; none where it sees the present page alone.
        observation: What it sees now.
        injected: What the guard adds; the suffix stands in the last user turn only.
        keep_opening: Whether past replies are shown with their opening.
    """
    pages = [*(turn.observation for turn in past), observation]
    users = [page_message(instruction, pages[0]), *pages[1:]]
    if injected.before_task:
        users[0] = f"{injected.before_task}\n{users[0]}"
    if injected.suffix:
        users[-1] = f"{users[-1]}\n{injected.suffix}"
    messages = [{"role": "system", "content": "\n".join(filter(None, (system, injected.system)))}]
    for user, turn in zip(users, past, strict=False):
        said = f"{turn.opening}{turn.reply}" if keep_opening else turn.reply
        messages += [{"role": "user", "content": user}, {"role": "assistant", "content": said}]
    messages.append({"role": "user", "content": users[-1]})
    return messages
