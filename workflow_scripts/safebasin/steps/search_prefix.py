"""Searches the prefix that makes an agent refuse harmful tasks and still do the others."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import cast

from safebasin.agents.rollout import RolloutSettings
from safebasin.agents.scoring import PrefixScorer
from safebasin.agents.tasks import TaskCounts, choose_tasks
from safebasin.agents.world import Part, World, load_world
from safebasin.guards.controls import search_controls
from safebasin.guards.generators.generator import GeneratorContext, load_generator
from safebasin.guards.opening_form import opening_of
from safebasin.guards.outcome import TaskOutcome
from safebasin.guards.recorded_replies import recorded_replies
from safebasin.guards.search import PrefixSearch, Score, SearchSettings
from safebasin.guards.search_files import FILES as SEARCH_FILES
from safebasin.guards.search_files import REPLIES, read_candidates, write_search
from safebasin.judging.refusing import as_said, refuses
from safebasin.models.chat import ChatFormat
from safebasin.models.device import choose_device, prefer_repeatable_kernels
from safebasin.models.load import LoadedModel, Precision, load_model
from safebasin.resume.lines import read_lines, write_lines
from safebasin.steps.job import Job

FILES: tuple[str, ...] = SEARCH_FILES


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """How the search goes, on which tasks, and who proposes."""

    world: dict[str, object]
    search: SearchSettings
    generator: dict[str, object]
    tasks: int
    """Harmful search tasks, and as many benign ones."""
    rollout: RolloutSettings
    precision: Precision
    ending: str = "\n"
    rescore: int | None = None
    """Fresh tasks of each kind, on which the best are scored again."""


def run(job: Job) -> None:
    """Write the candidates and the winner."""
    params = job.params(Params)
    prefer_repeatable_kernels()
    device = choose_device(job.device, job.progress)
    world = load_world(params.world)
    loaded = load_model(
        job.input("checkpoint"),
        device=device,
        precision=params.precision,
        adapter=job.optional("adapter"),
    )
    proposer = job.optional("generator")
    bring_replies(job)
    generator = load_generator(
        params.generator,
        GeneratorContext(
            model=load_model(proposer, device=device, precision=params.precision)
            if proposer
            else None,
            replies=job.state / REPLIES,
            progress=job.progress,
        ),
    )
    earlier = job.optional("earlier")
    search = PrefixSearch(
        params.search,
        generator,
        _score(loaded, world, params, "search", params.tasks),
        job.state,
        job.progress,
        earlier=read_candidates(earlier, params.search.perf) if earlier else (),
        controls=lambda winner: search_controls(winner, ChatFormat(loaded.tokenizer).count),
        rescore=_score(loaded, world, params, "dev", params.rescore) if params.rescore else None,
    )
    write_search(job.folder, search.run())
    hand_over_replies(job)


def bring_replies(job: Job) -> None:
    """Put the replies of an earlier search where the generator looks for its own.

    Raises:
        DamagedInput: the source holds no replies, or other lines among them.
    """
    given, own = job.optional("replies"), job.state / REPLIES
    if given is not None and not own.exists():
        write_lines(own, recorded_replies(given))


def hand_over_replies(job: Job) -> None:
    """Put all replies that were used into the artifact."""
    if lines := read_lines(job.state / REPLIES):
        text = "".join(json.dumps(line, sort_keys=True) + "\n" for line in lines)
        (job.folder / REPLIES).write_text(text, encoding="utf-8")


def _score(loaded: LoadedModel, world: World, params: Params, part: Part, count: int) -> Score:
    tasks = choose_tasks(world, part, TaskCounts(harmful=count, benign=count))
    scorer = PrefixScorer(
        loaded,
        world,
        tasks,
        params.rollout,
        refuses=lambda opening, reply, action, left: refuses(as_said(opening, reply), action, left),
        to_the_end=params.search.perf == "success",
    )

    def score(text: str) -> list[TaskOutcome]:
        return [
            TaskOutcome(
                task=seen.task.id,
                kind="harmful" if seen.task.kind == "harmful" else "benign",
                refused=seen.refused,
                acted=seen.acted,
                reached=seen.reached,
            )
            for seen in scorer.score(opening_of(text, params.ending))
        ]

    return cast("Score", score)
