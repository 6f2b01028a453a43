"""The prompts that agents see first, rendered as rollouts render them."""

from __future__ import annotations

from collections.abc import Sequence

from safebasin.agents.prompting import Injected, messages_of
from safebasin.agents.world import Task, World
from safebasin.models.chat import ChatFormat


def first_page_prompts(
    chat: ChatFormat, world: World, tasks: Sequence[Task], injected: Injected
) -> list[tuple[int, ...]]:
    """Return the tokens up to the first token that the agent would say, for each task."""
    return [
        chat.prompt(
            messages_of(world.system, task.instruction, (), world.begin(task).reset(), injected),
            opening=injected.opening,
        )
        for task in tasks
    ]
