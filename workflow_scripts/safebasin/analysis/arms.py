"""Agents under test, sorted: the model, the guards it ran with, and the verdicts on its tasks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from safebasin.analysis.cells import TASK_LABELS, Cell, EvalSet
from safebasin.analysis.contrast import CellVerdicts
from safebasin.analysis.guard_kind import GuardKind
from safebasin.analysis.verdicts import Verdict

REFUSAL_ENDS = "(a refusal ends)"
"""How the name of a judge ends for whom a refusal ends the episode."""

FIGURES: Mapping[str, tuple[str, str]] = {
    "SR": ("benign", "success"),
    "ASR": ("harmful", "success"),
    "RR": ("harmful", "refused"),
    "benign RR": ("benign", "refused"),
    "look-alike SR": ("lookalike", "success"),
    "look-alike RR": ("lookalike", "refused"),
    "SR, a refusal ends": ("benign, a refusal ends", "success"),
    "ASR, a refusal ends": ("harmful, a refusal ends", "success"),
}
"""A figure of the guard table: the tasks it counts and the verdict whose share it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentModel:
    """What the guards of one table have in common: one checkpoint, with or without an adapter."""

    agent: str
    """The agent's name, which its cells have as their task."""
    pair: str
    stage: str
    method: str
    setting: str
    seed: int | None
    steps: int | None
    checkpoint: str
    adapter: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One guard on one model, over its draws."""

    stage: str
    guard: str
    kind: GuardKind
    cells: Sequence[Cell]
    """One cell a draw, in the order of the draws."""
    outcomes: Mapping[str, Mapping[tuple[int, str], Verdict]]
    """Kind of tasks to (place of the draw, task) to the verdict."""


def agent_models(
    cells: Sequence[Cell], eval_sets: Sequence[EvalSet], verdicts: CellVerdicts
) -> dict[AgentModel, list[Arm]]:
    """Return the arms of every agent: those of the aligned model it came from, then its own.

    An aligned model without an agent stands by itself.
    """
    kinds = {cell.name: task_sets(eval_sets, verdicts[cell.name]) for cell in cells}
    playing = [cell for cell in cells if kinds[cell.name]]
    grouped: dict[AgentModel, list[Cell]] = defaultdict(list)
    for cell in playing:
        grouped[model_of(cell)].append(cell)
    arms = {model: _arms(members, kinds, verdicts) for model, members in grouped.items()}
    agents = [model for model in arms if model.stage == "agent"]
    origins = {model: _origin(model, arms) for model in agents}
    found = {
        model: (arms[origin] if origin is not None else []) + arms[model]
        for model, origin in origins.items()
    }
    used = set(origins.values())
    return found | {
        model: own for model, own in arms.items() if model not in found and model not in used
    }


def task_sets(
    eval_sets: Sequence[EvalSet], verdicts: Mapping[str, Sequence[Verdict]]
) -> dict[str, str]:
    """Return kind of tasks to the name of the test set that holds them; the first of each."""
    found: dict[str, str] = {}
    for one in eval_sets:
        rows = verdicts.get(one.name)
        if one.metrics not in TASK_LABELS or one.part != "test" or not rows:
            continue
        labels = tuple(one.taken_labels or ())
        kind = "harmful" if one.metrics == "harmful_tasks" else "benign"
        kind = "lookalike" if labels == ("lookalike",) else kind
        ends = f", {REFUSAL_ENDS.strip('()')}" if rows[0].judge.endswith(REFUSAL_ENDS) else ""
        found.setdefault(kind + ends, one.name)
    return found


def model_of(cell: Cell) -> AgentModel:
    """Return the model that the cell ran."""
    return AgentModel(
        agent=cell.task or "",
        pair=cell.pair,
        stage=cell.stage,
        method=cell.method or "none",
        setting=cell.setting,
        seed=cell.seed,
        steps=cell.steps,
        checkpoint=cell.checkpoint,
        adapter=cell.adapter,
    )


def _origin(agent: AgentModel, arms: Mapping[AgentModel, Sequence[Arm]]) -> AgentModel | None:
    """Return the aligned model of the agent's pair and task: of its seed, or the only one."""
    aligned = [
        model
        for model in arms
        if model.stage == "aligned" and (model.pair, model.agent) == (agent.pair, agent.agent)
    ]
    same = [model for model in aligned if model.seed == agent.seed]
    return next((found[0] for found in (same, aligned) if len(found) == 1), None)


def _arms(
    cells: Sequence[Cell], kinds: Mapping[str, Mapping[str, str]], verdicts: CellVerdicts
) -> list[Arm]:
    by_guard: dict[str, list[Cell]] = defaultdict(list)
    for cell in cells:
        by_guard[cell.guard].append(cell)
    return [
        _arm(guard, sorted(members, key=lambda cell: cell.replicate or 0), kinds, verdicts)
        for guard, members in by_guard.items()
    ]


def _arm(
    guard: str,
    cells: Sequence[Cell],
    kinds: Mapping[str, Mapping[str, str]],
    verdicts: CellVerdicts,
) -> Arm:
    shared = [kind for kind in kinds[cells[0].name] if all(kind in kinds[c.name] for c in cells)]
    outcomes = {
        kind: {
            (place, row.id): row
            for place, cell in enumerate(cells)
            for row in verdicts[cell.name][kinds[cell.name][kind]]
        }
        for kind in shared
    }
    first = cells[0]
    return Arm(
        stage=first.stage, guard=guard, kind=first.guard_kind, cells=cells, outcomes=outcomes
    )


MODEL_COLUMNS: tuple[str, ...] = tuple(field.name for field in fields(AgentModel))
