"""The rule by which settings are chosen on the development split, written before any test run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from safebasin.analysis.cells import Cell, MetricRow
from safebasin.errors import StudyError

_SCORE = (
    "For each setting, the score is the refusal rate on the development rows of the harmful sets "
    "(mean over the sets) plus the fine-tuning accuracy on the development rows of the task, "
    "averaged over seeds."
)
_JOINT = (
    "For the two methods of the contrast, only settings at which both were "
    "run take part, and the score is the mean over both, so that the choice favours neither. "
    "Every other method is scored by itself."
)
_LARGEST = "The largest score wins; a tie goes to the smaller setting. Test rows play no part."
RULE = f"{_SCORE} {_JOINT} {_LARGEST}"
RULE_ALONE = f"{_SCORE} Every method is scored by itself. {_LARGEST}"
"""The same, of a study without a contrast."""

_TIE = 1e-9
"""Scores are means of a few hundred shares: below this two of them are one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceRule:
    """Which development sets the rule reads."""

    refusal: Sequence[str]
    accuracy: str | None = None
    """A cell of another task takes its own development accuracy; without it only refusals count."""
    rule: Literal["rr_plus_fa"] = "rr_plus_fa"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What was chosen for the methods of one condition."""

    condition: tuple[str, str, str, str, str]
    methods: tuple[str, ...]
    scores: Mapping[float, float]
    """Strength to score; empty where there was only one setting."""
    chosen: float | None


def choose(
    cells: Sequence[Cell],
    rows: Mapping[str, Sequence[MetricRow]],
    rule: ChoiceRule | None,
    together: Sequence[str],
) -> list[Choice]:
    """Return the chosen strength for each condition and method.

    Args:
        cells: the cells of the study; untouched checkpoints are passed over.
        rows: a cell's name to its metric rows.
        rule: the development sets; None where the study has a single setting everywhere.
        together: the methods that must stand at one setting, such as ("asft", "ridge").

    Raises:
        StudyError: a choice is needed and its sets were not measured or no rule is given.
    """
    arms: dict[tuple[str, str, str, str, str], dict[str, list[Cell]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for cell in cells:
        if cell.is_tuned:
            arms[cell.condition][str(cell.method)].append(cell)
    choices = []
    for condition, methods in sorted(arms.items()):
        joint = tuple(method for method in together if method in methods)
        groups = [joint] if len(joint) == len(together) > 0 else [(name,) for name in joint]
        groups += [(name,) for name in sorted(methods) if name not in joint]
        choices += [_choose_one(condition, group, methods, rows, rule) for group in groups]
    return choices


def _choose_one(
    condition: tuple[str, str, str, str, str],
    group: tuple[str, ...],
    methods: Mapping[str, Sequence[Cell]],
    rows: Mapping[str, Sequence[MetricRow]],
    rule: ChoiceRule | None,
) -> Choice:
    strengths = [{cell.strength for cell in methods[name]} for name in group]
    common = sorted(strength for strength in set.intersection(*strengths) if strength is not None)
    if all(len(found) == 1 and found == strengths[0] for found in strengths):
        only = common[0] if common else None
        return Choice(condition=condition, methods=group, scores={}, chosen=only)
    if not common:
        raise StudyError(f"methods {' and '.join(group)} share no setting; give both the same λ")
    if rule is None:
        raise StudyError(f"method {group[0]} has several settings; the study needs a choice rule")
    scores = {
        strength: fmean(
            fmean(_score(rows[cell.name], rule, cell) for cell in at_strength)
            for at_strength in (
                [cell for cell in methods[name] if cell.strength == strength] for name in group
            )
        )
        for strength in common
    }
    best = max(scores.values())
    chosen = min(strength for strength, score in scores.items() if score >= best - _TIE)
    return Choice(condition=condition, methods=group, scores=scores, chosen=chosen)


def _score(rows: Sequence[MetricRow], rule: ChoiceRule, cell: Cell) -> float:
    refusals = fmean(_value(rows, name, "RR", cell) for name in rule.refusal)
    if rule.accuracy is None:
        return refusals
    own = [row.value for row in rows if row.metric == "FA" and row.part == "dev"]
    named = any(row.eval_set == rule.accuracy for row in rows)
    return refusals + (fmean(own) if own and not named else _value(rows, rule.accuracy, "FA", cell))


def _value(rows: Sequence[MetricRow], eval_set: str, metric: str, cell: Cell) -> float:
    for row in rows:
        if row.eval_set == eval_set and row.metric == metric:
            return row.value
    raise StudyError(
        f"choice: cell {cell.name!r} has no {metric} on {eval_set!r}; list that set with part 'dev'"
    )
