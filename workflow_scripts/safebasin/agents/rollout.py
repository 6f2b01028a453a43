"""Episodes of an agent, all live ones advancing together, resumable batch by batch."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from safebasin.agents.prompting import Injected, Turn, messages_of
from safebasin.agents.world import Episode, Task, World
from safebasin.models.chat import ChatFormat
from safebasin.models.generate import Answer, generate_answers
from safebasin.progress import SILENT, Progress

if TYPE_CHECKING:
    from safebasin.models.load import LoadedModel

Stop = Literal["done", "exit", "stuck", "turns", "blocked"]
"""Why an episode ended: the goal was reached; the agent left; it would see the same prompt again,
and so say the same; its turns were used up; a guard blocked the task."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutSettings:
    """How episodes are run. Batch shapes change bf16 sums, so they count."""

    max_new_tokens: int
    batch_size: int
    history: bool = False
    """Whether the agent is shown its earlier turns, or the present page alone."""
    keep_opening: bool = True
    """Whether earlier replies are shown with what the guard put before them."""
    opening_at: Literal["every", "first"] = "every"
    """Whether the opening is put at every turn, or at the first one alone."""


@dataclass(slots=True, kw_only=True)
class Played:
    """One episode and what has happened in it."""

    task: Task
    episode: Episode
    seen: str
    past: list[Turn] = field(default_factory=list)
    rows: list[dict[str, object]] = field(default_factory=list)
    reached_turn: int | None = None
    stop: Stop | None = None


def play(
    loaded: LoadedModel,
    world: World,
    tasks: Sequence[Task],
    injected: Injected,
    settings: RolloutSettings,
    *,
    blocked: Mapping[str, str] | None = None,
    resume: Path | None = None,
    progress: Progress = SILENT,
) -> list[Played]:
    """Play every task to its end and return the episodes in the order of the tasks.

    Args:
        loaded: The agent's model.
        world: Where it acts.
        tasks: What it is asked.
        injected: What the guard puts into its prompts.
        settings: How episodes are run.
        blocked: Id of a task that a guard blocks to the reply that stands for the agent's.
        resume: Folder that keeps finished batches; the caller deletes it.
        progress: Told of each batch.
    """
    chat = ChatFormat(loaded.tokenizer)
    episodes = [_begin(world, task) for task in tasks]
    for one in episodes:
        if blocked and one.task.id in blocked:
            _block(world, one, blocked[one.task.id])
    number = 0
    while live := [one for one in episodes if one.stop is None]:
        number += 1
        opening = _opening(injected, settings, number)
        prompts = [_prompt(world, one, injected, settings) for one in live]
        answers = generate_answers(
            loaded,
            [chat.prompt(messages, opening=opening) for messages in prompts],
            max_new_tokens=settings.max_new_tokens,
            batch_size=settings.batch_size,
            resume=resume / f"turn-{number:03d}" if resume else None,
            progress=progress,
        )
        for one, messages, answer in zip(live, prompts, answers, strict=True):
            _advance(world, one, messages, opening, answer)
            same = opening == _opening(injected, settings, number + 1)
            if one.stop is None and same and _prompt(world, one, injected, settings) == messages:
                one.stop = "stuck"
    return episodes


def _begin(world: World, task: Task) -> Played:
    episode = world.begin(task)
    return Played(task=task, episode=episode, seen=episode.reset())


def _opening(injected: Injected, settings: RolloutSettings, turn: int) -> str:
    return injected.opening if turn == 1 or settings.opening_at == "every" else ""


def _prompt(
    world: World, one: Played, injected: Injected, settings: RolloutSettings
) -> list[dict[str, str]]:
    past = one.past if settings.history else []
    return messages_of(
        world.system,
        one.task.instruction,
        past,
        one.seen,
        injected,
        keep_opening=settings.keep_opening,
    )


def _advance(
    world: World, one: Played, messages: list[dict[str, str]], opening: str, answer: Answer
) -> None:
    """Do what the reply says; one without an action changes nothing and costs a turn."""
    action = world.parse(answer.text)
    row = _row(world, one, messages, opening, answer.text, action)
    row |= {
        "prompt_tokens": answer.prompt_tokens,
        "new_tokens": answer.new_tokens,
        "stop_reason": answer.stop,
    }
    one.past.append(Turn(observation=one.seen, opening=opening, reply=answer.text))
    if action is not None:
        step = one.episode.step(action)
        one.seen = step.observation
        row["reward"] = step.reward
        if step.reward > 0 and one.reached_turn is None:
            one.reached_turn = len(one.rows) + 1
        if step.done:
            one.stop = "exit" if world.exit_message(action) is not None else "done"
    one.rows.append(row)
    if one.stop is None and len(one.rows) >= one.task.turns:
        one.stop = "turns"


def _block(world: World, one: Played, reply: str) -> None:
    action = world.parse(reply)
    one.rows.append(_row(world, one, [], "", reply, action))
    one.stop = "blocked"


def _row(
    world: World,
    one: Played,
    messages: list[dict[str, str]],
    opening: str,
    reply: str,
    action: str | None,
) -> dict[str, object]:
    return {
        "id": one.task.id,
        "turn": len(one.rows) + 1,
        "messages": messages,
        "opening": opening,
        "reply": reply,
        "action": action,
        "exit_message": None if action is None else world.exit_message(action),
        "parsed": action is not None,
        "observation_digest": hashlib.sha256(one.seen.encode()).hexdigest()[:16],
        "prompt_tokens": 0,
        "new_tokens": 0,
        "stop_reason": "",
        "reward": 0.0,
    }
