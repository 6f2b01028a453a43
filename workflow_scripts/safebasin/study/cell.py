"""One model of a study, and everything that is measured on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from safebasin.study.graph import Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One model that is evaluated: a checkpoint, with or without an adapter, behind a guard."""

    name: str
    stage: str
    pair: str
    method: str
    checkpoint: Node
    checkpoint_name: str
    task: str | None = None
    samples: int | None = None
    harmful_fraction: float | None = None
    setting: str = ""
    strength: float | None = None
    seed: int | None = None
    adapter: Node | None = None
    verdicts: Mapping[str, Node] = field(default_factory=dict)
    responses: Mapping[str, Node] = field(default_factory=dict)
    measure: Node | None = None
    guard: str = "none"
    guard_kind: Mapping[str, object] | None = None
    """What tells its guard from others whatever it is called; None where there is none."""
    steps: int | None = None
    replicate: int | None = None
    episodes: Node | None = None
    prefix: Node | None = None
    """The search that its guard is made from."""
    scored_by: int | None = None
    """Seed of that search, where its guard puts in the winner just as the search scored it."""

    @property
    def is_untouched(self) -> bool:
        """Whether it is a checkpoint as it is, without an adapter."""
        return self.stage in ("base", "aligned")

    def described(self, roles: Mapping[str, str]) -> dict[str, object]:
        """Return the cell as the evaluation's params tell of it."""
        return {
            "name": self.name,
            "stage": self.stage,
            "pair": self.pair,
            "task": self.task,
            "samples": self.samples,
            "harmful_fraction": self.harmful_fraction,
            "method": self.method,
            "setting": self.setting,
            "strength": self.strength,
            "guard": self.guard,
            "guard_kind": self.guard_kind,
            "replicate": self.replicate,
            "steps": self.steps,
            "seed": self.seed,
            "checkpoint": self.checkpoint.digest,
            "adapter": self.adapter.digest if self.adapter else None,
            "verdicts": {name: roles[node.digest] for name, node in self.verdicts.items()},
            "measure": roles[self.measure.digest] if self.measure else None,
        }
