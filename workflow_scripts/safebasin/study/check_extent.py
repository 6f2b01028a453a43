"""How many runs a study asks for: what a slip of the pen makes endless is said, not planned."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import prod

from safebasin.study.config import Block, Study
from safebasin.study.problems import Problem

MOST = 50_000
"""Runs of one block of the grid, or of one agent."""


def check_extent(study: Study) -> Iterator[Problem]:
    """Yield blocks and agents with more runs than can be planned."""
    for index, block in enumerate(study.grid):
        yield from _too_many(f"grid.{index}", _runs(study, block))
    for name, agent in study.agents.items():
        searches = len(agent.search_seeds) if agent.search else 1
        draws = sum(study.guards[each].draws for each in agent.guards if each in study.guards)
        runs = len(agent.tunings) * len(agent.seeds) * searches * max(draws, 1)
        yield from _too_many(f"agents.{name}", runs)


def check_fractions(study: Study) -> Iterator[Problem]:
    """Yield harmful fractions that are not one row of so few samples."""
    for index, block in enumerate(study.grid):
        for fraction, samples in product(block.harmful_fractions, block.samples):
            if fraction and not round(samples * fraction):
                cure = f"of {samples} samples that is no row: the run would hold nothing harmful"
                key = f"grid.{index}.harmful_fractions"
                yield Problem(key=key, value=fraction, cure=cure)


def _runs(study: Study, block: Block) -> int:
    settings = sum(
        len(method.strengths())
        for name in block.methods
        if (method := study.methods.get(name)) is not None
    )
    lists = (block.pairs, block.tasks, block.samples, block.harmful_fractions, block.seeds)
    return settings * prod(len(each) for each in lists)


def _too_many(key: str, runs: int) -> Iterator[Problem]:
    if runs > MOST:
        yield Problem(key=key, value=runs, cure=f"so many runs; at most {MOST} are planned at once")
