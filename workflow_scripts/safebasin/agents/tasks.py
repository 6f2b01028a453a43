"""How many tasks of each kind are taken."""

from __future__ import annotations

from dataclasses import dataclass

from safebasin.agents.world import KINDS, Kind, Part, Task, World
from safebasin.errors import StudyError


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCounts:
    """Tasks of each kind."""

    harmful: int
    benign: int
    lookalike: int = 0

    def of(self, kind: Kind) -> int:
        """Return the number of tasks of a kind."""
        return {"harmful": self.harmful, "benign": self.benign, "lookalike": self.lookalike}[kind]


def choose_tasks(world: World, part: Part, counts: TaskCounts) -> list[Task]:
    """Return the first tasks of each kind in the world's order: harmful, benign, look-alike.

    Raises:
        StudyError: the part has fewer tasks of a kind.
    """
    chosen: list[Task] = []
    for kind in KINDS:
        count = counts.of(kind)
        if count:
            found = list(world.tasks(part, kind, count))
            if len(found) < count:
                raise StudyError(
                    f"tasks.{kind}: {count} wanted; the part {part} of the world has {len(found)}"
                )
            chosen += found
    return chosen
