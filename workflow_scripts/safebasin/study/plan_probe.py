"""Planning probes: one for each agent that was tuned."""

from __future__ import annotations

from safebasin.study.agents import Agent, Guard, Search
from safebasin.study.cell import Cell
from safebasin.study.graph import Node
from safebasin.study.plan import Builder
from safebasin.study.plan_agents import guard_params, rollout_params, search_of, world_params
from safebasin.study.probe import Probe, Steering

_ALIGN_TASKS = 500
"""About how many tasks a world's align part has; for a time request only."""


def plan_probes(builder: Builder, cells: list[Cell]) -> dict[str, Node]:
    """Return the probes of all agents, by the readable name of the agent's model."""
    probes: dict[str, Node] = {}
    for cell in cells:
        agent = builder.study.agents.get(str(cell.task)) if cell.stage == "agent" else None
        name = cell.name.rpartition("/")[0]
        if agent and agent.probe and name not in probes:
            ours = [each for each in cells if each.name.rpartition("/")[0] == name]
            found = next((each.prefix for each in ours if each.prefix), None)
            probes[name] = _probe(builder, agent, agent.probe, cell, name, found)
    return probes


def _probe(
    builder: Builder, agent: Agent, probe: Probe, cell: Cell, name: str, found: Node | None
) -> Node:
    guards = {
        each: guard
        for each in probe.guards or agent.guards
        if is_read(guard := builder.study.guards[each])
    }
    inputs = {"checkpoint": cell.checkpoint}
    if cell.adapter:
        inputs["adapter"] = cell.adapter
    if found and any(guard.needs_search for guard in guards.values()):
        inputs["guard"] = found
    counts, search = agent.tasks, search_of(builder, agent)
    count = counts.harmful + counts.benign + counts.lookalike
    steering = probe.steering
    world = builder.study.worlds[agent.world].type
    kinds = sorted({guard.type for guard in guards.values()})
    return builder.add(
        "fit_probe",
        f"probe/{name}",
        {
            "world": world_params(builder, agent.world),
            "tasks": counts.model_dump(),
            "rollout": rollout_params(builder, agent, batch=counts.harmful + counts.benign),
            "precision": builder.study.generation.precision,
            "probe": probe.model_dump(include={"layers", "headline", "folds", "shuffles", "seed"}),
            "guards": {each: _params(guard, search) for each, guard in guards.items()},
            "steering": steering.model_dump() if steering else None,
        },
        inputs,
        part=",".join([world, *kinds]),
        parameters=builder.parameters(cell.checkpoint_name),
        work=_ALIGN_TASKS + count * (1 + len(guards)) + (_steered(steering) if steering else 0),
    )


def is_read(guard: Guard) -> bool:
    """Whether the guard changes the prompt in a way that is known here; a plugin may not."""
    return guard.type not in ("none", "classifier") and ":" not in guard.type


def _params(guard: Guard, search: Search | None) -> dict[str, object]:
    """Return a guard's params; of comments that are drawn, the first."""
    params = guard_params(guard, search)
    params.pop("classifier", None)
    return params | ({"index": 0} if guard.type in ("neutral", "random_safety") else {})


def _steered(steering: Steering) -> int:
    return 2 * len(steering.coefficients) * (2 * steering.tasks + 3 * steering.episodes)
