"""Targets against the one architecture that a study knows by itself: that of tiny models.

What another checkpoint's layers are called stands in its ``config.json``: ``safebasin check`` and
``preflight`` look there, and the steps once more.
"""

from __future__ import annotations

from collections.abc import Iterator

from safebasin.study.checkpoints import TinyLlama
from safebasin.study.config import Study
from safebasin.study.orders import LINEAR_LAYERS
from safebasin.study.problems import Problem, nearest

_LINEAR = (*LINEAR_LAYERS, "lm_head")


def check_targets(study: Study) -> Iterator[Problem]:
    """Yield targets that name no linear layer of a tiny model that they are for."""
    for name, checkpoint in study.checkpoints.items():
        if checkpoint.align and tiny_of(study, checkpoint.align.base):
            yield from _unknown(f"checkpoints.{name}.align.targets", checkpoint.align.targets)
    adapted = [study.pairs.get(name) for block in study.grid for name in block.pairs]
    if study.lora and any(pair and tiny_of(study, pair.aligned) for pair in adapted):
        yield from _unknown("lora.targets", study.lora.targets)
    for name, agent in study.agents.items():
        for label, tuning in agent.tunings.items():
            if tiny_of(study, agent.aligned):
                yield from _unknown(f"agents.{name}.tunings.{label}.targets", tuning.targets)


def tiny_of(study: Study, name: str) -> TinyLlama | None:
    """Return the tiny model that a checkpoint is or is made from, if it is one."""
    seen = set[str]()
    while (checkpoint := study.checkpoints.get(name)) and checkpoint.align and name not in seen:
        seen.add(name)
        name = checkpoint.align.base
    return checkpoint.tiny if checkpoint else None


def _unknown(key: str, targets: tuple[str, ...]) -> Iterator[Problem]:
    for target in targets:
        short = target.rsplit(".", 1)[-1]
        if short not in _LINEAR:
            near = nearest(short, _LINEAR)
            hint = f": did you mean {near!r}?" if near else ""
            cure = f"no linear layer of a tiny Llama; it has {', '.join(_LINEAR)}{hint}"
            yield Problem(key=key, value=target, cure=cure)
