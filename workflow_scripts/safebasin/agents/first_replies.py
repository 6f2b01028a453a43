"""What an agent says first: the cheap look that the prefix search and stop rules take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from safebasin.agents.first_pages import first_page_messages, first_page_prompts
from safebasin.agents.prompting import Injected, Nothing
from safebasin.agents.world import Task, World
from safebasin.models.chat import ChatFormat
from safebasin.models.generate import Answer, generate_answers
from safebasin.models.read_prompts import ReadPrompts

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
    prompts = first_page_prompts(ChatFormat(loaded.tokenizer), world, tasks, injected)
    answers = generate_answers(
        loaded, prompts, max_new_tokens=max_new_tokens, batch_size=batch_size
    )
    return _parsed(world, tasks, answers)


class FirstPages:
    """The first pages of some tasks, replied to after one opening and another."""

    def __init__(
        self, loaded: LoadedModel, world: World, tasks: Sequence[Task], batch_size: int
    ) -> None:
        """Render the pages; the model reads them when it first replies."""
        self._world = world
        self._tasks = tasks
        self._chat = ChatFormat(loaded.tokenizer)
        self._pages = first_page_messages(world, tasks, Nothing())
        self._read = ReadPrompts(loaded, self._prompts(""), batch_size)

    def replies(self, opening: str, max_new_tokens: int) -> list[FirstReply]:
        """Return the reply to each page, the model going on from ``opening``."""
        answers = self._read.answers(self._prompts(opening), max_new_tokens)
        return _parsed(self._world, self._tasks, answers)

    def _prompts(self, opening: str) -> list[tuple[int, ...]]:
        return [self._chat.prompt(messages, opening=opening) for messages in self._pages]


def _parsed(world: World, tasks: Sequence[Task], answers: Sequence[Answer]) -> list[FirstReply]:
    replies = []
    for task, answer in zip(tasks, answers, strict=True):
        action = world.parse(answer.text)
        left = None if action is None else world.exit_message(action)
        replies.append(FirstReply(task=task, text=answer.text, action=action, exit_message=left))
    return replies
