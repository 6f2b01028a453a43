"""Planning the grid: which models a study has, and how each comes to be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import product

from safebasin.errors import StudyError
from safebasin.study.base import part_of
from safebasin.study.cell import Cell
from safebasin.study.checkpoints import MixturePart
from safebasin.study.config import Block, Study
from safebasin.study.graph import Node
from safebasin.study.methods import Asft, SafeLora
from safebasin.study.plan import RANDOM_DIRECTION_SEED, Builder, lora_params, training_params
from safebasin.study.problems import needed


def plan_cells(builder: Builder) -> list[Cell]:
    """Return every model of the study, once: untouched pairs, tuned ones, adopted ones.

    Raises:
        StudyError: two of them have one name.
    """
    return unique_cells(_cells(builder))


def _cells(builder: Builder) -> Iterator[Cell]:
    if builder.study.compares_pairs():
        told = {prompts.task for prompts in builder.study.prompts.values()} - {None}
        for pair, task in product(builder.study.pairs, sorted(filter(None, told)) or (None,)):
            yield from _untouched(builder, pair, task)
    for block in builder.study.grid:
        for pair in block.pairs:
            for task in block.tasks:
                yield from _untouched(builder, pair, task)
    for block in builder.study.grid:
        yield from _tuned(builder, block)
    for name, adopted in sorted(builder.study.adapters.items()):
        aligned = builder.study.pairs[adopted.pair].aligned
        checkpoint = builder.checkpoint(aligned)
        yield from _untouched(builder, adopted.pair, adopted.task)
        inputs = {"source": builder.source(adopted.source), "checkpoint": checkpoint}
        yield _measured(
            builder,
            Cell(
                name=f"{adopted.pair}/{name}",
                stage="adopted",
                pair=adopted.pair,
                task=adopted.task,
                method=name,
                checkpoint=checkpoint,
                checkpoint_name=aligned,
                adapter=builder.add("adopt_adapter", f"adapter/{name}", {}, inputs),
            ),
        )


def unique_cells(cells: Iterable[Cell]) -> list[Cell]:
    """Drop cells that two blocks of the grid share.

    Raises:
        StudyError: two cells of one name are not the same.
    """
    found: dict[str, Cell] = {}
    for cell in cells:
        if found.setdefault(cell.name, cell) != cell:
            raise StudyError(
                f"two models of the study would both be called {cell.name!r}: give one of them "
                "another name (an adapter or agent), or a setting that differs in six digits"
            )
    return list(found.values())


def _untouched(builder: Builder, pair_name: str, task: str | None) -> Iterator[Cell]:
    pair = builder.study.pairs[pair_name]
    for stage, checkpoint in (("base", pair.base), ("aligned", pair.aligned)):
        if checkpoint is not None:
            yield Cell(
                name="/".join(part for part in (pair_name, task, stage) if part),
                stage=stage,
                pair=pair_name,
                task=task,
                method="none",
                checkpoint=builder.checkpoint(checkpoint),
                checkpoint_name=checkpoint,
            )


def _tuned(builder: Builder, block: Block) -> Iterator[Cell]:
    combinations = product(
        block.pairs, block.tasks, block.samples, block.harmful_fractions, block.methods, block.seeds
    )
    for pair, task, samples, fraction, method, seed in combinations:
        for strength in builder.study.methods[method].strengths():
            yield _measured(
                builder, _tune(builder, (pair, task, samples, fraction), method, strength, seed)
            )


def _tune(
    builder: Builder,
    where: tuple[str, str, int, float],
    method_name: str,
    strength: float | None,
    seed: int,
) -> Cell:
    pair_name, task, samples, fraction = where
    study = builder.study
    lora, given = needed(study.lora, "lora", "a grid"), needed(study.training, "training", "a grid")
    method, pair = study.methods[method_name], study.pairs[pair_name]
    setting = method.setting(strength)
    place = f"{pair_name}/{task}/n{samples}/p{fraction:g}"
    label = "-".join(
        part for part in (method_name, setting.replace("=", "").replace(" ", "")) if part
    )
    cell = Cell(
        name=f"{place}/{label}/s{seed}",
        stage="tuned",
        pair=pair_name,
        task=task,
        samples=samples,
        harmful_fraction=fraction,
        method=method_name,
        setting=setting,
        strength=strength,
        seed=seed,
        checkpoint=builder.checkpoint(pair.aligned),
        checkpoint_name=pair.aligned,
    )
    if isinstance(method, SafeLora):
        trained = _tune(builder, where, method.of, study.methods[method.of].strengths()[0], seed)
        assert trained.adapter is not None
        inputs = {"adapter": trained.adapter, "direction": builder.direction(pair_name)}
        params = method.params(strength)
        node = builder.add(
            "project_adapter",
            f"adapter/{cell.name}",
            params,
            inputs,
            parameters=builder.parameters(pair.aligned),
        )
        return replace(cell, stage="projected", adapter=node)
    inputs = {
        "checkpoint": cell.checkpoint,
        "mixture": _mixture(builder, task, samples, fraction, seed),
    }
    if method.needs_direction:
        is_random = isinstance(method, Asft) and method.direction == "random"
        chosen = RANDOM_DIRECTION_SEED if is_random else None
        inputs["direction"] = builder.direction(pair_name, seed=chosen)
    training = given.changed(method.training).over(sum(_rows(study, task, samples, fraction)))
    node = builder.add(
        "tune_adapter",
        f"adapter/{cell.name}",
        {
            "method": method.params(strength),
            "lora": lora_params(lora),
            "training": training_params(training, seed),
        },
        inputs,
        part=part_of(method),
        parameters=builder.parameters(pair.aligned),
        work=training.steps * training.batch_size,
    )
    return replace(cell, adapter=node)


def _rows(study: Study, task: str, samples: int, fraction: float) -> tuple[int, int]:
    """Return how many rows of a mixture are the task's, and how many are harmful.

    Of n rows round(p·n) are harmful, as in the paper's GSM8K and SST2 sets. Where the study counts
    harmful rows besides the task's, as in the paper's AG News sets, n rows are of the task.
    """
    poison = study.poison_of(task)
    harmful = round(samples * fraction)
    benign = samples if poison and poison.counts == "besides" else samples - harmful
    return benign, harmful if poison else 0


def _mixture(builder: Builder, task_name: str, samples: int, fraction: float, seed: int) -> Node:
    study = builder.study
    task, poison = study.tasks[task_name], study.poison_of(task_name)
    benign, harmful = _rows(study, task_name, samples, fraction)
    parts = []
    if benign > 0:
        parts.append(
            MixturePart(
                split=task.split,
                part=task.part,
                corpus=task.corpus,
                rows=benign,
                response=task.response,
                system=task.system,
                template=task.template,
                source="task",
            )
        )
    if harmful:
        assert poison is not None, "else there are no harmful rows"
        parts.append(
            MixturePart(
                split=poison.split,
                part=poison.part,
                corpus=poison.corpus,
                rows=harmful,
                response=poison.response,
                system=poison.system,
                template=poison.template,
                source="harmful",
            )
        )
    first = "harmful" if harmful and poison and poison.place == "first" else None
    return builder.mixture(f"{task_name}/n{samples}/p{fraction:g}/s{seed}", parts, seed, first)


def _measured(builder: Builder, cell: Cell) -> Cell:
    """Have ‖BA‖ and the anchor share of an adapter measured, where the pair has a base."""
    if cell.adapter is None or builder.study.pairs[cell.pair].base is None:
        return cell
    inputs = {"adapter": cell.adapter, "direction": builder.direction(cell.pair)}
    params = {"top": builder.study.direction.top}
    node = builder.add(
        "measure_adapter",
        f"measure/{cell.name}",
        params,
        inputs,
        parameters=builder.parameters(cell.checkpoint_name),
    )
    return replace(cell, measure=node)
