"""What a study declares and nothing of it uses: inherited from a file below, or forgotten."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from safebasin.study.config import Study
from safebasin.study.methods import SafeLora

Item = tuple[str, str]
"""A section of the study, and a name in it; the name is empty where the section has none."""

_NAMED = (
    *("sources", "checkpoints", "pairs", "corpora", "splits", "tasks", "methods", "judges"),
    *("prompts", "eval_sets", "worlds", "demonstrations", "searches", "guards"),
)
_SINGLE = ("poison", "lora", "training")


def unused(study: Study) -> dict[str, list[str]]:
    """Return section to the names in it that no run needs; a section without names has none."""
    used, waiting = set[Item](), list(_wanted(study))
    while waiting:
        item = waiting.pop()
        if item not in used:
            used.add(item)
            waiting += _needed_by(study, *item)
    found = {
        section: [name for name in getattr(study, section) if (section, name) not in used]
        for section in _NAMED
    }
    idle = [each for each in _SINGLE if getattr(study, each) and (each, "") not in used]
    return {section: names for section, names in found.items() if names} | {
        each: [] for each in idle
    }


def _wanted(study: Study) -> Iterator[Item]:
    """Yield what the grid, the adopted adapters, the agents and the questions name."""
    tasks = {task for block in study.grid for task in block.tasks}
    for block in study.grid:
        for section, names in (("pairs", block.pairs), ("methods", block.methods)):
            yield from ((section, name) for name in names)
        yield from ((each, "") for each in _SINGLE)
    if study.compares_pairs():
        yield from (("pairs", name) for name in study.pairs)
        tasks = {prompts.task for prompts in study.prompts.values() if prompts.task}
    for adopted in study.adapters.values():
        yield from (("sources", adopted.source), ("pairs", adopted.pair), ("lora", ""))
        tasks |= {adopted.task} if adopted.task else set()
    yield from (("tasks", task) for task in tasks)
    if study.grid or study.adapters or study.compares_pairs():
        asked = {name for name, each in study.prompts.items() if each.task in (None, *tasks)}
        yield from (("prompts", name) for name in asked)
        for name, eval_set in study.eval_sets.items():
            if eval_set.prompts in asked:
                yield "eval_sets", name
    yield from _questions(study)
    for agent_name in study.agents:
        yield from _agent(study, agent_name)


def _questions(study: Study) -> Iterator[Item]:
    if choice := study.choice:
        yield from (("eval_sets", name) for name in (*choice.refusal, choice.accuracy))
    if contrast := study.contrast:
        yield from (("eval_sets", name) for name in contrast.eval_sets)
        yield from (("methods", name) for name in (contrast.treatment, contrast.control))


def _agent(study: Study, name: str) -> Iterator[Item]:
    agent = study.agents[name]
    yield from (("worlds", agent.world), ("checkpoints", agent.aligned))
    yield "demonstrations", agent.demonstrations
    if agent.pair:
        yield "pairs", agent.pair
    if agent.search:
        yield "searches", agent.search
    probed = (agent.probe and agent.probe.guards) or ()
    yield from (("guards", guard) for guard in (*agent.guards, *probed))
    for tuning in agent.tunings.values():
        if tuning.method != "full":
            yield from (("methods", tuning.method), ("lora", ""))


def _needed_by(study: Study, section: str, name: str) -> Iterator[Item]:
    """Yield what one item names, in turn; what is not defined names nothing."""
    if section == "poison" and study.poison:
        yield "splits", study.poison.split
    if section not in _NEEDS or name not in getattr(study, section):
        return
    for where, needed in _NEEDS[section](study, name).items():
        yield from ((where, each) for each in needed if each is not None)


Names = Mapping[str, tuple[str | None, ...]]


def _of_checkpoint(study: Study, name: str) -> Names:
    checkpoint = study.checkpoints[name]
    if checkpoint.align is None:
        return {"sources": (checkpoint.source,)}
    align = checkpoint.align
    return {
        "checkpoints": (align.base,),
        "demonstrations": (align.demonstrations,),
        "splits": tuple(part.split for part in align.rows),
    }


def _of_method(study: Study, name: str) -> Names:
    method = study.methods[name]
    return {"methods": (method.of,)} if isinstance(method, SafeLora) else {}


def _of_search(study: Study, name: str) -> Names:
    generator = study.searches[name].generator
    return {"checkpoints": (generator.checkpoint,), "sources": (generator.replies,)}


_NEEDS: Mapping[str, Callable[[Study, str], Names]] = {
    "checkpoints": _of_checkpoint,
    "pairs": lambda study, name: {
        "checkpoints": (study.pairs[name].aligned, study.pairs[name].base)
    },
    "corpora": lambda study, name: {"sources": (study.corpora[name].source,)},
    "splits": lambda study, name: {"corpora": study.splits[name].corpora},
    "tasks": lambda study, name: {"splits": (study.tasks[name].split,)},
    "methods": _of_method,
    "judges": lambda study, name: {"corpora": (study.judges[name].calibration,)},
    "prompts": lambda study, name: {
        "splits": (study.prompts[name].split,),
        "judges": (study.prompts[name].judge,),
        "tasks": (study.prompts[name].task,),
    },
    "eval_sets": lambda study, name: {"prompts": (study.eval_sets[name].prompts,)},
    "demonstrations": lambda study, name: {"worlds": (study.demonstrations[name].world,)},
    "searches": _of_search,
}
