"""The prompts that agents see first, rendered as rollouts render them."""

from __future__ import annotations

from collections.abc import Sequence

from safebasin.agents.prompting import Injected, messages_of
from safebasin.agents.world import Task, World
from safebasin.models.chat import ChatFormat


def first_page_messages(
    world: World, tasks: Sequence[Task], injected: Injected
) -> list[list[dict[str, str]]]:
    """Return the messages that each task begins with."""
    return [
        messages_of(world.system, task.instruction, (), world.begin(task).reset(), injected)
        for task in tasks
    ]


def first_page_prompts(
    chat: ChatFormat, world: World, tasks: Sequence[Task], injected: Injected
) -> list[tuple[int, ...]]:
    """Return the tokens up to the first token that the agent would say, for each task."""
    pages = first_page_messages(world, tasks, injected)
    return [chat.prompt(messages, opening=injected.opening) for messages in pages]
