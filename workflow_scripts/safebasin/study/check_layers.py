"""Layers against the one architecture that a study knows by itself: that of tiny models.

How many another checkpoint has stands in its ``config.json``, where the steps look.
"""

from __future__ import annotations

from collections.abc import Iterator

from safebasin.study.agents import Agent
from safebasin.study.check_targets import tiny_of
from safebasin.study.config import Study
from safebasin.study.problems import Problem


def check_layers(study: Study) -> Iterator[Problem]:
    """Yield layers that a tiny model has not."""
    for name, checkpoint in study.checkpoints.items():
        if checkpoint.align:
            key = f"checkpoints.{name}.align.layers"
            yield from _beyond(study, checkpoint.align.base, {key: checkpoint.align.layers})
    for name, agent in study.agents.items():
        yield from _beyond(study, agent.aligned, dict(_layers_of(agent, f"agents.{name}")))


def _layers_of(agent: Agent, key: str) -> Iterator[tuple[str, float | None]]:
    for label, tuning in agent.tunings.items():
        yield f"{key}.tunings.{label}.layers", tuning.layers
    if probe := agent.probe:
        yield f"{key}.probe.headline", probe.headline
        for index, layer in enumerate(probe.layers or ()):
            yield f"{key}.probe.layers.{index}", layer
        for index, layer in enumerate((probe.steering and probe.steering.layers) or ()):
            yield f"{key}.probe.steering.layers.{index}", layer


def _beyond(study: Study, model: str, layers: dict[str, float | None]) -> Iterator[Problem]:
    tiny = tiny_of(study, model)
    for key, layer in layers.items():
        if tiny and layer is not None and layer > tiny.layers:
            cure = f"the tiny model that {model} is, or is made from, has {tiny.layers} layers"
            yield Problem(key=key, value=layer, cure=cure)
