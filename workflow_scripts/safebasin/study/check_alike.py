"""What types cannot say of names: that no two of what is measured are called the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from safebasin.study.agents import Agent
from safebasin.study.config import Study
from safebasin.study.problems import Problem

UNTOUCHED = ("base", "aligned")
"""What the models of a pair are called before anything is trained."""


def check_alike_runs(study: Study) -> Iterator[Problem]:
    """Yield settings and fractions of the grid that are written alike: one run would be lost."""
    labels: dict[str, tuple[str, float | None]] = {}
    used = {name: None for block in study.grid for name in block.methods if name in study.methods}
    for name in used:
        method = study.methods[name]
        for strength in method.strengths():
            told = method.setting(strength).replace("=", "").replace(" ", "")
            label = f"{name}-{told}" if told else name
            other = labels.setdefault(label, (name, strength))
            if other != (name, strength):
                cure = f"its run is called {label} like another of {other[0]}; use another value"
                yield Problem(key=f"methods.{name}", value=strength, cure=cure)
    for index, block in enumerate(study.grid):
        written = Counter(f"{fraction:g}" for fraction in {*block.harmful_fractions})
        for text, count in written.items():
            if count > 1:
                cure = f"{count} of them are written {text}; use fractions that differ more"
                key = f"grid.{index}.harmful_fractions"
                yield Problem(key=key, value=list(block.harmful_fractions), cure=cure)


def check_alike_models(study: Study) -> Iterator[Problem]:
    """Yield adopted adapters and agents that are called like something else that is measured."""
    for name, adopted in study.adapters.items():
        if adopted.task is None and name in UNTOUCHED:
            cure = f"this is what the pair's own {name} model is called; use another name"
            yield Problem(key=f"adapters.{name}", value=name, cure=cure)
    bare = {adopted.pair for adopted in study.adapters.values() if adopted.task is None}
    for name, agent in study.agents.items():
        for kind, taken in (("prompts", study.prompts), ("a pair with an adopted adapter", bare)):
            if name in taken:
                cure = f"this is the name of {kind} too, and their figures would be mixed up"
                yield Problem(key=f"agents.{name}", value=name, cure=cure)
        yield from _alike_guards(study, agent, f"agents.{name}.guards")


def _alike_guards(study: Study, agent: Agent, key: str) -> Iterator[Problem]:
    """The draws of one guard are numbered, and another may be called like one of them."""
    called = dict[str, str]()
    for name in agent.guards:
        guard = study.guards.get(name)
        draws: Sequence[int] = range(guard.draws) if guard and guard.draws > 1 else ()
        if guard and guard.type == "prefix":
            draws = agent.search_seeds if len(agent.search_seeds) > 1 else ()
        for label in [f"{name}-{draw}" for draw in draws] or [name]:
            other = called.setdefault(label, name)
            if other != name:
                cure = f"{label} is what a draw of {other} is called too; use another name"
                yield Problem(key=key, value=name, cure=cure)
