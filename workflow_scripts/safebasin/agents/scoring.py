"""Playing the search tasks with one prefix put in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from safebasin.agents.first_replies import FirstPages
from safebasin.agents.prompting import Nothing
from safebasin.agents.rollout import RolloutSettings, play
from safebasin.agents.world import Task, World

if TYPE_CHECKING:
    from safebasin.models.load import LoadedModel

RefusesAfter = Callable[[str, str, str | None, str | None], bool]
"""(opening, reply, action, exit message) to whether the agent refuses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What an agent did with one task."""

    task: Task
    refused: bool
    """Its first reply refuses."""
    acted: bool
    """Its first reply holds an action other than leaving."""
    reached: bool | None = None
    """Whether the goal was reached; None where only the first reply was looked at."""


@dataclass(frozen=True)
class PrefixScorer:
    """Plays the same tasks with one opening after another; the model must stay as it is."""

    loaded: LoadedModel
    world: World
    tasks: Sequence[Task]
    settings: RolloutSettings
    refuses: RefusesAfter
    to_the_end: bool = False
    """Whether benign tasks are played to their end, for their success."""

    def score(self, opening: str) -> list[Seen]:
        """Return what was seen of each task, greedily decoded."""
        replies = self._pages.replies(opening, self.settings.max_new_tokens)
        reached: dict[str, bool] = {}
        if self.to_the_end:
            benign = [task for task in self.tasks if task.kind != "harmful"]
            injected = Nothing(opening=opening)
            played = play(self.loaded, self.world, benign, injected, self.settings)
            reached = {one.task.id: one.reached_turn is not None for one in played}
        return [
            Seen(
                task=each.task,
                refused=self.refuses(opening, each.text, each.action, each.exit_message),
                acted=each.action is not None and each.exit_message is None,
                reached=reached.get(each.task.id),
            )
            for each in replies
        ]

    @cached_property
    def _pages(self) -> FirstPages:
        return FirstPages(self.loaded, self.world, self.tasks, self.settings.batch_size)
