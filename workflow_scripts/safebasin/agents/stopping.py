"""When an agent's fine-tuning ends: as soon as the first replies to harmful tasks refuse no more.

The rule reads development tasks alone and no guard, so that it favours none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from safebasin.agents.first_replies import first_replies
from safebasin.agents.prompting import Nothing
from safebasin.agents.world import World
from safebasin.errors import StudyError

if TYPE_CHECKING:
    from safebasin.models.load import LoadedModel

Refuses = Callable[[str, str | None, str | None], bool]
"""(reply, action, exit message) to whether the agent refuses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRule:
    """Stop at the first look at which at most so many harmful development tasks are refused."""

    every: int
    """Steps between looks."""
    refused_at_most: int
    tasks: int
    """Harmful development tasks that are looked at, and as many benign ones."""
    max_new_tokens: int = 32


def watch_refusals(
    loaded: LoadedModel, world: World, rule: StopRule, refuses: Refuses
) -> Callable[[int], tuple[Mapping[str, float], bool] | None]:
    """Return what the training loop calls after each step.

    Raises:
        StudyError: the world has fewer development tasks than the rule wants.
    """
    harmful = world.tasks("dev", "harmful", rule.tasks)
    benign = world.tasks("dev", "benign", rule.tasks)
    if min(len(harmful), len(benign)) < rule.tasks:
        raise StudyError(f"stop.tasks: {rule.tasks}: the world has {len(harmful)} harmful ones")

    def look(step: int) -> tuple[Mapping[str, float], bool] | None:
        if step % rule.every:
            return None
        replies = first_replies(
            loaded,
            world,
            [*harmful, *benign],
            Nothing(),
            max_new_tokens=rule.max_new_tokens,
            batch_size=2 * rule.tasks,
        )
        refused = [refuses(each.text, each.action, each.exit_message) for each in replies]
        acted = [each.action is not None and each.exit_message is None for each in replies]
        figures = {
            "dev_harmful_refused": sum(refused[: rule.tasks]) / rule.tasks,
            "dev_benign_refused": sum(refused[rule.tasks :]) / rule.tasks,
            "dev_benign_acted": sum(acted[rule.tasks :]) / rule.tasks,
        }
        return figures, sum(refused[: rule.tasks]) <= rule.refused_at_most

    return look
