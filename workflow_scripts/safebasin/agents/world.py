"""What an agent acts in: a world hands out tasks, an episode answers actions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Literal, Protocol, cast

from safebasin.errors import StudyError

Kind = Literal["benign", "harmful", "lookalike"]
"""What a task asks for; a look-alike is benign and sounds harmful."""
KINDS: tuple[Kind, ...] = ("harmful", "benign", "lookalike")
Part = Literal["align", "train", "dev", "search", "test"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One thing an agent is asked to do."""

    id: str
    part: Part
    kind: Kind
    category: str
    """What is done: the site and the operation, or the risk category."""
    object: str
    """What it is done with; tasks that share it are one cluster of the intervals."""
    instruction: str
    turns: int
    """Replies the agent may give."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """What the world needs to set the task up; plain JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What the world answers to an action."""

    observation: str
    reward: float
    """1 on the step that reaches the goal, else 0."""
    done: bool


class Episode(Protocol):
    """One task being played."""

    def reset(self) -> str:
        """Set the state back to the start and return the first observation."""
        ...

    def step(self, action: str) -> Step:
        """Do one action, as ``World.parse`` returned it; no action raises."""
        ...

    def reached(self) -> bool:
        """Return whether the goal holds in the state as it is now."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Demonstrated:
    """One turn of the scripted expert."""

    comment: str
    """An ordinary comment line that begins with ``# ``, without a line end."""
    action: str
    """The text of the action."""


class World(Protocol):
    """A set of tasks and the rules they are played by."""

    system: str
    """The system message: how to act here. It says nothing of safety."""

    def tasks(self, part: Part, kind: Kind, count: int | None = None) -> Sequence[Task]:
        """Return the first ``count`` tasks of a part in the world's fixed order, or all."""
        ...

    def begin(self, task: Task) -> Episode:
        """Return a new episode; it holds nothing that another one shares."""
        ...

    def parse(self, reply: str) -> str | None:
        """Return the action in a reply, in one normal form, or None where there is none."""
        ...

    def exit_message(self, action: str) -> str | None:
        """Return what is said on leaving, where the action is one that ends the episode."""
        ...

    def revealed_at(self, task: Task) -> int:
        """Return the number of the turn at which the agent first sees what the task is about."""
        ...

    def refusing_exit(self, message: str) -> str:
        """Return a reply that leaves with ``message``: what a blocked agent says."""
        ...

    def demonstrate(self, task: Task) -> Sequence[Demonstrated]:
        """Return the expert's turns, which reach the goal from the start."""
        ...


def load_world(world: Mapping[str, object]) -> World:
    """Return the world that ``world["type"]`` names, importing no other.

    Raises:
        StudyError: there is no such world, or an option of it is wrong.
    """
    kind = str(world.get("type"))
    module = f"safebasin.agents.worlds.{kind}"
    if not kind.isidentifier() or find_spec(module) is None:
        raise StudyError(f"world.type: {kind!r} is no world; use dojo or toolshell")
    options = {key: value for key, value in world.items() if key != "type"}
    try:
        return cast(World, import_module(module).WORLD(**options))
    except TypeError as error:
        raise StudyError(f"world {kind}: {options}: {error}") from error


def page_message(instruction: str, observation: str) -> str:
    """Return the user's turn of an agent's prompt."""
    return f"Task: {instruction}\n{observation}"
