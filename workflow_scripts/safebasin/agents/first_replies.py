"""What an agent says first: the cheap look that the prefix search and stop rules take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from safebasin.agents.prompting import Injected, messages_of
from safebasin.agents.world import Task, World
from safebasin.models.chat import ChatFormat
from safebasin.models.generate import generate_answers

if TYPE_CHECKING:
    from safebasin.models.load import LoadedModel


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstReply:
    """An agent's first reply to a task."""

    task: Task
    text: str
    action: str | None
    exit_message: str | None


def first_replies(
    loaded: LoadedModel,
    world: World,
    tasks: Sequence[Task],
    injected: Injected,
    *,
    max_new_tokens: int,
    batch_size: int,
) -> list[FirstReply]:
    """Return the reply to each task's first page."""
    chat = ChatFormat(loaded.tokenizer)
    prompts = [
        chat.prompt(
            messages_of(world.system, task.instruction, (), world.begin(task).reset(), injected),
            opening=injected.opening,
        )
        for task in tasks
    ]
    answers = generate_answers(
        loaded, prompts, max_new_tokens=max_new_tokens, batch_size=batch_size
    )
    replies = []
    for task, answer in zip(tasks, answers, strict=True):
        action = world.parse(answer.text)
        left = None if action is None else world.exit_message(action)
        replies.append(FirstReply(task=task, text=answer.text, action=action, exit_message=left))
    return replies
