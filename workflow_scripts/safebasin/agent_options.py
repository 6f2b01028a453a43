"""Whether guards and generators take the settings that a study gives them, before an agent is made.

They are read here as their steps will read them; nothing is asked and no text is put anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, cast

from safebasin.errors import StudyError
from safebasin.guards.generators.generator import GeneratorContext, load_generator
from safebasin.guards.guard import BUILT_IN
from safebasin.guards.options import read_options
from safebasin.study.agents import Generator, Guard
from safebasin.study.config import Study
from safebasin.study.plan_agents import guard_params
from safebasin.study.problems import Problem

if TYPE_CHECKING:
    from safebasin.models.load import LoadedModel

_DRAWN = ("neutral", "random_safety")
_OPENING = ("opening", "comment", "neutral", "random_safety", "prefix")
"""Types that put something at the head of a reply."""


def agent_problems(study: Study) -> Iterator[Problem]:
    """Yield settings of guards and generators that their types do not take, or that do nothing."""
    for name, guard in study.guards.items():
        if ":" not in guard.type:
            yield from _guard(guard, f"guards.{name}")
        elif guard.draws > 1:
            cure = "a plugin is played once: it is not told which draw it is"
            yield Problem(key=f"guards.{name}.draws", value=guard.draws, cure=cure)
        if name == "none" and guard.type != "none":
            cure = "this is what an agent without a guard is called; use another name"
            yield Problem(key="guards.none", value=guard.type, cure=cure)
    for name, search in study.searches.items():
        key = f"searches.{name}.generator.params"
        if refused := _refused_generator(search.generator):
            yield Problem(key=key, value=search.generator.params, cure=refused)


def _refused_generator(generator: Generator) -> str | None:
    for name, told in (("seed", "the agent's `search_seeds`"), ("type", "`type` beside `params`")):
        if name in generator.params:
            return f"the {name} is told by {told}; leave it out here"
    model = cast("LoadedModel", object())  # its checkpoint is looked at elsewhere
    settings = {"type": generator.type, "seed": 0, **generator.params}
    try:
        load_generator(settings, GeneratorContext(model=model))
    except StudyError as problem:
        return str(problem)
    return None


def _refused_guard(guard: Guard) -> str | None:
    module = import_module(f"safebasin.guards.kinds.{guard.type}")
    told = guard_params(guard, None)
    options = {key: value for key, value in told.items() if key not in ("type", "classifier")}
    try:
        read_options(getattr(module, BUILT_IN[guard.type]), options, f"guard {guard.type}")
    except StudyError as problem:
        return str(problem)
    return None


def _guard(guard: Guard, key: str) -> Iterator[Problem]:
    if refused := _refused_guard(guard):
        yield Problem(key=key, value=guard.type, cure=refused)
    is_suffix = guard.placement == "suffix"
    opens = guard.type in _OPENING and not is_suffix
    idle: Mapping[str, tuple[object, bool]] = {
        "search": (guard.search, guard.search),
        "draws": (guard.draws, guard.draws > 1 and guard.type not in _DRAWN),
        "opening_at": (guard.opening_at, guard.opening_at is not None and not opens),
        "keep_opening": (guard.keep_opening, guard.keep_opening is not None and not opens),
        "classifier": (
            guard.classifier,
            guard.classifier is not None and guard.type == "classifier",
        ),
    }
    for option, (value, is_idle) in idle.items():
        if is_idle:
            kind = f"{guard.type} as a suffix" if is_suffix else guard.type
            cure = f"it does nothing for a guard of type {kind}; leave it out"
            yield Problem(key=f"{key}.{option}", value=value, cure=cure)
