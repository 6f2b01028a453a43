"""Planning agents: how each is made, guarded, and measured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from safebasin.study.agents import LINE_END, Agent, Demonstrations, Guard, Search, Tuning
from safebasin.study.base import part_of
from safebasin.study.cell import Cell
from safebasin.study.graph import Node
from safebasin.study.methods import Asft
from safebasin.study.plan import RANDOM_DIRECTION_SEED, Builder, lora_params, training_params
from safebasin.study.presets import settle
from safebasin.study.problems import needed

ACTIONS = {"type": "actions", "refusal_ends": False}
ENDING_ACTIONS = {"type": "actions", "refusal_ends": True}


def refusal_ends(name: str) -> str:
    """Return the name of an agent's verdicts where a refusal ends the episode."""
    return f"{name}, a refusal ends"


def plan_agents(builder: Builder) -> list[Cell]:
    """Return every agent of the study behind every guard, and the checkpoints they start from."""
    return [
        cell
        for name, agent in sorted(builder.study.agents.items())
        for cell in _agent(builder, name, agent)
    ]


def _agent(builder: Builder, name: str, agent: Agent) -> Iterator[Cell]:
    start = Cell(
        name=f"{name}/aligned",
        stage="aligned",
        pair=agent.pair or agent.aligned,
        task=name,
        method="none",
        checkpoint=builder.checkpoint(agent.aligned),
        checkpoint_name=agent.aligned,
    )
    yield _played(builder, agent, start, Guard(type="none"), {})
    for label, tuning in agent.tunings.items():
        for seed in agent.seeds:
            tuned = _tuned(
                builder, agent, replace(start, name=f"{name}/{label}/s{seed}"), label, tuning, seed
            )
            yield from _guarded(builder, agent, tuned)


def _tuned(
    builder: Builder, agent: Agent, cell: Cell, label: str, tuning: Tuning, seed: int
) -> Cell:
    """Have an agent trained: the upper layers of the checkpoint, or an adapter on it."""
    rows = demonstrations(builder, agent.demonstrations, seed)
    shown = builder.study.demonstrations[agent.demonstrations]
    tuning = settle(tuning, sum(part.rows for part in shown.rows))
    training = needed(tuning.training, f"agents.{cell.task}.tunings.{label}.training", "it")
    params: dict[str, object] = {"training": training_params(training, seed)}
    world = shown.world
    part = None
    if tuning.stop:
        params |= {"stop": tuning.stop.model_dump(), "world": world_params(builder, world)}
        part = f"{builder.study.worlds[world].type},{tuning.stop.type}"
    inputs = {"checkpoint": cell.checkpoint, "mixture": rows}
    size = builder.parameters(agent.aligned)
    work = training.steps * training.batch_size
    told = replace(
        cell,
        stage="agent",
        method=tuning.method,
        setting=label,
        seed=seed,
        steps=None if tuning.stop else training.steps,
    )
    if tuning.method == "full":
        params |= {"targets": list(tuning.targets), "layers": tuning.layers}
        node = builder.add(
            "tune_checkpoint",
            f"checkpoint/{cell.name}",
            params,
            inputs,
            part=part,
            parameters=size,
            work=work,
        )
        return replace(told, checkpoint=node)
    method = builder.study.methods[tuning.method]
    lora = needed(builder.study.lora, "lora", f"the method {tuning.method}")
    (strength,) = method.strengths()
    params |= {"method": method.params(strength), "lora": lora_params(lora)}
    if method.needs_direction:
        pair = needed(agent.pair, f"agents.{cell.task}.pair", f"the method {tuning.method}")
        is_random = isinstance(method, Asft) and method.direction == "random"
        chosen = RANDOM_DIRECTION_SEED if is_random else None
        inputs["direction"] = builder.direction(pair, seed=chosen)
    node = builder.add(
        "tune_adapter",
        f"adapter/{cell.name}",
        params,
        inputs,
        part=",".join(filter(None, (part_of(method), part))),
        parameters=size,
        work=work,
    )
    return replace(told, adapter=node, strength=strength)


def demonstrations(builder: Builder, name: str, seed: int) -> Node:
    """Return the node that writes demonstrations; every seed draws its own."""
    config: Demonstrations = builder.study.demonstrations[name]
    return builder.add(
        "write_demonstrations",
        f"mixture/{name}/s{seed}",
        {
            "world": world_params(builder, config.world),
            "parts": [part.model_dump() for part in config.rows],
            "seed": seed,
            "history": config.history,
        },
        part=builder.study.worlds[config.world].type,
    )


def world_params(builder: Builder, name: str) -> dict[str, object]:
    """Return the params of a world."""
    return builder.study.worlds[name].model_dump()


def _guarded(builder: Builder, agent: Agent, cell: Cell) -> Iterator[Cell]:
    """Yield the agent behind every guard, once for each draw of it or each search."""
    searches = _searches(builder, agent, cell)
    for name in agent.guards:
        guard = builder.study.guards[name]
        here = replace(cell, guard=name, guard_kind=guard.kind)
        if guard.type == "prefix":
            as_scored = guard.is_as_scored(builder.study.searches[str(agent.search)].ending)
            for seed, found in searches.items():
                draw = seed if len(searches) > 1 else None
                one = replace(_numbered(here, draw), scored_by=seed if as_scored else None)
                yield _played(builder, agent, one, guard, {}, found)
            continue
        winners: list[Node | None] = [*searches.values()] if guard.needs_search else [None]
        for draw in range(guard.draws):
            drawn = guard.type in ("neutral", "random_safety")
            index: dict[str, object] = {"index": draw} if drawn else {}
            numbered = _numbered(here, draw if guard.draws > 1 else None)
            matched = winners[draw % len(winners)]
            yield _played(builder, agent, numbered, guard, index, matched)


def _searches(builder: Builder, agent: Agent, cell: Cell) -> dict[int, Node]:
    """Return the agent's searches by their seed."""
    if agent.search is None:
        return {}
    search = builder.study.searches[agent.search]
    return {seed: _search(builder, agent, cell, search, seed) for seed in agent.search_seeds}


def _numbered(cell: Cell, draw: int | None) -> Cell:
    tail = "" if draw is None else f"-{draw}"
    return replace(cell, name=f"{cell.name}/{cell.guard}{tail}", replicate=draw)


def _played(
    builder: Builder,
    agent: Agent,
    cell: Cell,
    guard: Guard,
    more: dict[str, object],
    found: Node | None = None,
) -> Cell:
    """Have the tasks played and the episodes judged, both ways."""
    world = builder.study.worlds[agent.world].type
    rollout = rollout_params(builder, agent, batch=agent.tasks.harmful + agent.tasks.benign)
    if guard.opening_at:
        rollout["opening_at"] = guard.opening_at
    if guard.keep_opening is not None:
        rollout["keep_opening"] = guard.keep_opening
    inputs = {"checkpoint": cell.checkpoint}
    if cell.adapter:
        inputs["adapter"] = cell.adapter
    if found:
        inputs["guard"] = found
    count = agent.tasks.harmful + agent.tasks.benign + agent.tasks.lookalike
    episodes = builder.add(
        "run_episodes",
        f"episodes/{cell.name}",
        {
            "world": world_params(builder, agent.world),
            "tasks": agent.tasks.model_dump(),
            "part": "test",
            "guard": guard_params(guard, search_of(builder, agent)) | more,
            "rollout": rollout,
            "precision": builder.study.generation.precision,
        },
        inputs,
        part=f"{world},{part_of(guard)}",
        parameters=builder.parameters(cell.checkpoint_name),
        work=3 * count,
    )
    name = str(cell.task)
    verdicts = {
        told: builder.add(
            "judge_responses",
            f"verdicts/{told}/{cell.name}",
            {"judge": judge},
            {"episodes": episodes},
            part="actions",
        )
        for told, judge in ((name, ACTIONS), (refusal_ends(name), ENDING_ACTIONS))
    }
    return replace(cell, verdicts=verdicts, episodes=episodes, prefix=found)


def guard_params(guard: Guard, search: Search | None) -> dict[str, object]:
    """Return the params of a guard; what is searched, or matches it, ends as in the search."""
    skipped = {"draws", "search", "opening_at", "keep_opening", "classifier"}
    params = guard.model_dump(exclude=skipped, exclude_none=True)
    if guard.classifier is not None:
        params["classifier"] = {"threshold": guard.classifier}
    if search and guard.follows_search and search.ending != LINE_END:
        params.setdefault("ending", search.ending)
    return params


def search_of(builder: Builder, agent: Agent) -> Search | None:
    """Return the settings of an agent's search."""
    return builder.study.searches[agent.search] if agent.search else None


def rollout_params(builder: Builder, agent: Agent, batch: int) -> dict[str, object]:
    """Return how an agent's replies and episodes are made."""
    return {
        "max_new_tokens": agent.max_new_tokens,
        "batch_size": min(builder.study.generation.batch_size, batch),
        "history": agent.history,
    }


def _search(builder: Builder, agent: Agent, cell: Cell, search: Search, seed: int) -> Node:
    """Return the search's last job; each goes on from the one before."""
    inputs = {"checkpoint": cell.checkpoint}
    if cell.adapter:
        inputs["adapter"] = cell.adapter
    if search.generator.checkpoint:
        inputs["generator"] = builder.checkpoint(search.generator.checkpoint)
    if search.generator.replies:
        inputs["replies"] = builder.source(search.generator.replies)
    world = builder.study.worlds[agent.world].type
    found: Node | None = None
    jobs = _search_jobs(search)
    for number, (rounds, rescore) in enumerate(jobs, start=1):
        found = builder.add(
            "search_prefix",
            f"prefix/{cell.name}/search{seed}" + ("" if number == len(jobs) else f"/job{number}"),
            {
                "world": world_params(builder, agent.world),
                "search": {
                    "candidates": search.candidates,
                    "rounds": rounds,
                    "keep": search.keep,
                    "threshold": search.threshold,
                    "perf": search.perf,
                },
                "generator": {
                    "type": search.generator.type,
                    "seed": seed,
                    **search.generator.params,
                },
                "tasks": search.tasks,
                "rescore": rescore,
                "ending": search.ending,
                "rollout": rollout_params(builder, agent, batch=2 * search.tasks),
                "precision": builder.study.generation.precision,
            },
            inputs | ({"earlier": found} if found else {}),
            part=f"{world},{search.generator.type}",
            parameters=builder.parameters(cell.checkpoint_name)
            + builder.parameters(search.generator.checkpoint),
            work=search.candidates * min(rounds, search.rounds_per_job) * 2 * search.tasks,
        )
    assert found is not None, "a search has at least one round"
    return found


def _search_jobs(search: Search) -> list[tuple[int, int | None]]:
    """Return the rounds that are done after each job, and the fresh tasks it scores the best on.

    The second scores come in a job of their own, so that more rounds can go on from the others.
    """
    ends = [*range(search.rounds_per_job, search.rounds, search.rounds_per_job), search.rounds]
    jobs: list[tuple[int, int | None]] = [(rounds, None) for rounds in ends]
    return [*jobs, (search.rounds, search.rescore)] if search.rescore else jobs
