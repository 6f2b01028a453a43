"""Writes rows that teach an agent: turns of a scripted expert, refusals, comments before them."""

from __future__ import annotations

from dataclasses import dataclass

from safebasin.agents.demonstrations import DemonstrationPart, demonstrate
from safebasin.agents.world import load_world
from safebasin.steps.job import Job
from safebasin.store.writers import write_parquet

FILES: tuple[str, ...] = ("rows.parquet",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """Which turns of which tasks, and how each is answered."""

    world: dict[str, object]
    parts: list[DemonstrationPart]
    seed: int
    history: bool = False
    """Whether a prompt shows the earlier turns."""


def run(job: Job) -> None:
    """Write the mixture."""
    params = job.params(Params)
    world = load_world(params.world)
    rows = demonstrate(world, params.parts, params.seed, history=params.history)
    write_parquet(job.folder / "rows.parquet", rows)
