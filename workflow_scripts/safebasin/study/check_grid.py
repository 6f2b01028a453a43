"""What types cannot say of the grid: what it names, what it needs, and its controls."""

from __future__ import annotations

from collections.abc import Iterator

from safebasin.study.config import Block, Study
from safebasin.study.methods import Asft, Ridge
from safebasin.study.problems import Problem, known


def check_work(study: Study) -> Iterator[Problem]:
    """Yield what is missing for there to be anything to run."""
    if study.compares_pairs() and not study.pairs:
        cure = "it is empty, and no pair, no adapter and no agent is given: there is nothing to run"
        yield Problem(key="grid", value=[], cure=cure)
    asked = {"prompts": study.prompts, "eval_sets": study.eval_sets}
    if study.grid:
        why = "a grid needs it"
        needed = {"lora": study.lora, "training": study.training, **asked}
    else:
        why = "pairs without a grid are evaluated as they are, which needs it"
        needed = asked if study.compares_pairs() and study.pairs else {}
    for key, told in needed.items():
        if not told:
            yield Problem(key=key, value=told, cure=why)


def check_grid_names(study: Study) -> Iterator[Problem]:
    """Yield names in the grid that are defined nowhere."""
    for key, block in _blocks(study):
        for name in block.pairs:
            yield from known(f"{key}.pairs", name, study.pairs)
        for name in block.tasks:
            yield from known(f"{key}.tasks", name, study.tasks)
        for name in block.methods:
            yield from known(f"{key}.methods", name, study.methods)


def check_harm(study: Study) -> Iterator[Problem]:
    """Yield harmful fractions that have no rows to be taken from."""
    for key, block in _blocks(study):
        if study.poison is None and any(block.harmful_fractions):
            cure = "harmful rows are mixed in, but the study has no `poison`"
            yield Problem(key=f"{key}.harmful_fractions", value=block.harmful_fractions, cure=cure)


def check_directions(study: Study) -> Iterator[Problem]:
    """Yield methods that need a direction where the pair has none."""
    for key, block in _blocks(study):
        yield from _check_block_directions(study, block, key)


def _check_block_directions(study: Study, block: Block, key: str) -> Iterator[Problem]:
    for method_name in block.methods:
        method = study.methods.get(method_name)
        for pair_name in block.pairs:
            pair = study.pairs.get(pair_name)
            if method and pair and method.needs_direction and pair.base is None:
                cure = f"it needs the alignment direction, and the pair {pair_name} has no base"
                yield Problem(key=f"{key}.methods", value=method_name, cure=cure)


def check_controls(study: Study) -> Iterator[Problem]:
    """Yield every asft without its ridge: it cannot be told from shrinkage."""
    for key, block in _blocks(study) if study.controls else ():
        yield from _check_block_controls(study, block, key)


def _check_block_controls(study: Study, block: Block, key: str) -> Iterator[Problem]:
    methods = [study.methods[name] for name in block.methods if name in study.methods]
    controlled = {
        (strength, method.scaled, method.training)
        for method in methods
        if isinstance(method, Ridge)
        for strength in method.strengths()
    }
    for name in block.methods:
        method = study.methods.get(name)
        if not isinstance(method, Asft):
            continue
        missing = [
            strength
            for strength in method.strengths()
            if (strength, method.scaled, method.training) not in controlled
        ]
        if missing:
            told = ", ".join(f"{strength:g}" for strength in missing if strength is not None)
            cure = (
                f"add a ridge at λ = {told} with the same training, or say `controls: false`: "
                "without it the anchor cannot be told from plain shrinkage"
            )
            yield Problem(key=f"{key}.methods", value=name, cure=cure)


def _blocks(study: Study) -> Iterator[tuple[str, Block]]:
    """Yield the grid's blocks with their keys."""
    for index, block in enumerate(study.grid):
        yield f"grid.{index}", block
