"""Lets an agent play the tasks of a world, behind a guard."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from safebasin.agents.rollout import RolloutSettings, play
from safebasin.agents.tables import write_episodes
from safebasin.agents.tasks import TaskCounts, choose_tasks
from safebasin.agents.world import KINDS, Task, World, load_world
from safebasin.guards.choice import read_choice
from safebasin.guards.classifier import BLOCKED, fit
from safebasin.guards.guard import GuardContext, blocking_threshold, load_guard
from safebasin.models.chat import ChatFormat
from safebasin.models.device import choose_device, prefer_repeatable_kernels
from safebasin.models.load import Precision, load_model
from safebasin.steps.job import Job

FILES: tuple[str, ...] = ("episodes.parquet", "turns.parquet")


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """Which tasks, behind which guard, and how episodes are run."""

    world: dict[str, object]
    tasks: TaskCounts
    part: Literal["dev", "search", "test"]
    guard: dict[str, object]
    rollout: RolloutSettings
    precision: Precision


def run(job: Job) -> None:
    """Write the episodes and their turns."""
    params = job.params(Params)
    prefer_repeatable_kernels()
    world = load_world(params.world)
    tasks = choose_tasks(world, params.part, params.tasks)
    blocked = _blocked(world, tasks, params.guard)
    loaded = load_model(
        job.input("checkpoint"),
        device=choose_device(job.device, job.progress),
        precision=params.precision,
        adapter=job.optional("adapter"),
    )
    injected = load_guard(
        params.guard,
        _context(world, ChatFormat(loaded.tokenizer), job.optional("guard")),
    )
    played = play(
        loaded,
        world,
        tasks,
        injected,
        params.rollout,
        blocked=blocked,
        resume=job.state,
        progress=job.progress,
    )
    write_episodes(job.folder, str(params.world["type"]), played)


def _context(world: World, chat: ChatFormat, searched: Path | None) -> GuardContext:
    shown = [*world.tasks("search", "benign"), *world.tasks("search", "harmful")]
    return GuardContext(
        prefix=read_choice(searched) if searched else None,
        count_tokens=chat.count,
        search_tasks=[(task.instruction, task.kind) for task in shown],
    )


def _blocked(world: World, tasks: list[Task], guard: dict[str, object]) -> dict[str, str]:
    """Return the tasks that the guard classifier blocks, with the reply that stands for one."""
    threshold = blocking_threshold(guard)
    if threshold is None:
        return {}
    known = [task for kind in KINDS for task in world.tasks("align", kind)]
    classifier = fit(
        [task.instruction for task in known], [task.kind == "harmful" for task in known]
    )
    found = classifier.probability([task.instruction for task in tasks])
    reply = world.refusing_exit(BLOCKED)
    return {task.id: reply for task, each in zip(tasks, found, strict=True) if each >= threshold}
