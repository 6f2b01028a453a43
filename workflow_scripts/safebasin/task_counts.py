"""Whether the worlds have as many tasks as a study wants, before anything is trained for them."""

from __future__ import annotations

from collections.abc import Iterator

from safebasin.agents.world import Kind, Part, World, load_world
from safebasin.study.agents import Agent
from safebasin.study.config import Study
from safebasin.study.problems import Problem


def missing_tasks(study: Study) -> Iterator[Problem]:
    """Yield every setting of an agent that asks for more tasks than its world has."""
    for name, agent in study.agents.items():
        if agent.world not in study.worlds or agent.search not in (None, *study.searches):
            continue  # told of by its name
        world = load_world(study.worlds[agent.world].model_dump())
        for key, part, kind, count in _wanted(study, agent, f"agents.{name}"):
            found = len(world.tasks(part, kind, count))
            if found < count:
                cure = f"the part {part} of the world {agent.world} has {found} {kind} tasks"
                yield Problem(key=key, value=count, cure=cure)
        yield from _steering(agent, world, f"agents.{name}.probe.steering")


def _steering(agent: Agent, world: World, key: str) -> Iterator[Problem]:
    """Yield more tasks to steer than the parts search and dev have, and more of them to play."""
    steering = agent.probe.steering if agent.probe else None
    if steering is None:
        return
    both: tuple[Kind, Kind] = ("harmful", "benign")
    for kind in both:
        found = len(world.tasks("search", kind)) + len(world.tasks("dev", kind))
        if steering.tasks > found:
            cure = f"the parts search and dev of the world {agent.world} have {found} {kind} tasks"
            yield Problem(key=f"{key}.tasks", value=steering.tasks, cure=cure)
    if steering.episodes > steering.tasks:
        cure = f"only {steering.tasks} benign tasks are steered (`tasks`), of which these are some"
        yield Problem(key=f"{key}.episodes", value=steering.episodes, cure=cure)


def _wanted(study: Study, agent: Agent, key: str) -> Iterator[tuple[str, Part, Kind, int]]:
    """Yield key, part, kind and number of tasks."""
    yield f"{key}.tasks.harmful", "test", "harmful", agent.tasks.harmful
    yield f"{key}.tasks.benign", "test", "benign", agent.tasks.benign
    yield f"{key}.tasks.lookalike", "test", "lookalike", agent.tasks.lookalike
    both: tuple[Kind, Kind] = ("harmful", "benign")
    for kind in both:
        for name, tuning in agent.tunings.items():
            if tuning.stop:
                yield f"{key}.tunings.{name}.stop.tasks", "dev", kind, tuning.stop.tasks
        if agent.search:
            search = study.searches[agent.search]
            yield f"searches.{agent.search}.tasks", "search", kind, search.tasks
            yield f"searches.{agent.search}.rescore", "dev", kind, search.rescore or 0
