"""Ends an agent's tuning when it refuses harmful development tasks no more."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pydantic import ConfigDict, TypeAdapter, with_config

from safebasin.agents.stopping import StopRule, watch_refusals
from safebasin.agents.world import load_world
from safebasin.judging.refusing import refuses
from safebasin.models.load import LoadedModel

Watch = Callable[[int], tuple[Mapping[str, float], bool] | None]


def watch_of(
    rule: Mapping[str, object], world: Mapping[str, object]
) -> Callable[[LoadedModel], Watch]:
    """Return what makes the rule once the model is loaded.

    Args:
        rule: every, refused_at_most, tasks, max_new_tokens.
        world: where the development tasks are.
    """
    told = TypeAdapter(with_config(ConfigDict(extra="forbid"))(StopRule)).validate_python(
        dict(rule)
    )

    def watch(loaded: LoadedModel) -> Watch:
        return watch_refusals(loaded, load_world(world), told, refuses)

    return watch
