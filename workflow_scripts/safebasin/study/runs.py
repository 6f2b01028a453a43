"""The tuned runs that a study's grid asks for, sorted as the evaluation will sort them."""

from __future__ import annotations

from collections import defaultdict
from itertools import product
from typing import NamedTuple

from safebasin.study.config import Study


class Condition(NamedTuple):
    """What methods must share to be compared."""

    pair: str
    task: str
    samples: int
    fraction: float

    def __str__(self) -> str:
        """Return the condition as a report words it."""
        share = f"{self.fraction * 100:g} % harmful"
        return f"{self.pair}, {self.task}, {self.samples} samples, {share}"


def seeds_of(study: Study) -> dict[Condition, dict[str, set[int]]]:
    """Return the seeds of each method in each condition of the grid."""
    found: dict[Condition, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    for block in study.grid:
        for told in product(block.pairs, block.tasks, block.samples, block.harmful_fractions):
            for method in block.methods:
                found[Condition(*told)][method].update(block.seeds)
    return found


def strengths_of(study: Study, method: str) -> tuple[float | None, ...]:
    """Return the settings of a method, each once; none where there is no such method."""
    known = study.methods.get(method)
    return tuple(dict.fromkeys(known.strengths())) if known else ()


def is_answered(study: Study, eval_set: str, task: str) -> bool:
    """Return whether models that are tuned for the task answer the prompts of the set.

    A set or prompts that do not exist count as answered: their names are told of elsewhere.
    """
    known = study.eval_sets.get(eval_set)
    prompts = study.prompts.get(known.prompts) if known else None
    return prompts is None or prompts.task in (None, task)
