"""The evaluation of a study: every metric of every cell, the choices, and the contrast."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from safebasin.analysis.cells import (
    METRICS,
    Cell,
    EvalSet,
    MetricRow,
    require_unique,
)
from safebasin.analysis.choice import Choice, ChoiceRule, choose
from safebasin.analysis.contrast import (
    CellVerdicts,
    Compared,
    Contrast,
    compare_chosen,
    compare_settings,
)
from safebasin.analysis.intervals import clustered_proportion
from safebasin.analysis.verdicts import (
    Verdict,
    read_verdicts,
    take,
)
from safebasin.errors import StudyError

WEIGHT_METRICS = ("norm_ba", "anchor_share")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """All that a study found."""

    rows: Sequence[MetricRow]
    choices: Sequence[Choice]
    compared: Sequence[Compared]
    """The primary comparison first; empty where the study names no contrast."""
    by_setting: Sequence[Compared]
    verdicts: CellVerdicts


def evaluate(
    study: str,
    cells: Sequence[Cell],
    eval_sets: Sequence[EvalSet],
    verdict_folders: Mapping[str, Path],
    measure_folders: Mapping[str, Path],
    rule: ChoiceRule | None,
    contrast: Contrast | None,
) -> Evaluation:
    """Return the evaluation of the cells.

    Args:
        study: the study's name.
        cells: what was run.
        eval_sets: what is reported of each; a cell without the set's verdicts is passed over.
        verdict_folders: input name to the folder of a verdicts artifact, named by its digest.
        measure_folders: input name to the folder of a measure artifact, named by its digest.
        rule: how settings are chosen on development sets.
        contrast: the paired comparison that the study asks for.

    Raises:
        StudyError: cells share a name, a set is empty or holds verdicts that its metrics do not
            count, or the contrast lacks its cells or is taken in a metric that its sets have not.
    """
    _require_metric(contrast, eval_sets)
    if len({cell.name for cell in cells}) != len(cells):
        raise StudyError("two cells of the evaluation share a name; names must be unique")
    read = cache(lambda name: read_verdicts(verdict_folders[name]))
    verdicts: dict[str, dict[str, list[Verdict]]] = {
        cell.name: {
            wanted.name: take(read(cell.verdicts[wanted.verdicts]), wanted, repr(cell.name))
            for wanted in eval_sets
            if wanted.verdicts in cell.verdicts
        }
        for cell in cells
    }
    rows = {
        cell.name: _cell_rows(study, cell, eval_sets, verdicts[cell.name], verdict_folders)
        + _weight_rows(study, cell, measure_folders)
        for cell in cells
    }
    together = (contrast.treatment, contrast.control) if contrast else ()
    choices = choose(cells, rows, rule, together)
    marked = _mark(cells, rows, choices)
    require_unique(marked)
    return Evaluation(
        rows=marked,
        choices=choices,
        compared=compare_chosen(contrast, cells, verdicts, choices) if contrast else [],
        by_setting=compare_settings(contrast, cells, verdicts) if contrast else [],
        verdicts=verdicts,
    )


def _require_metric(contrast: Contrast | None, eval_sets: Sequence[EvalSet]) -> None:
    """Raise where the contrast asks a set for another metric than its verdicts tell."""
    for wanted in eval_sets:
        asked = contrast is not None and wanted.name in contrast.eval_sets
        if contrast is not None and asked and contrast.metric not in METRICS[wanted.metrics]:
            raise StudyError(
                f"contrast: the metric {contrast.metric!r} is none of the set {wanted.name!r}, "
                f"which has {', '.join(METRICS[wanted.metrics])}"
            )


def _cell_rows(
    study: str,
    cell: Cell,
    eval_sets: Sequence[EvalSet],
    verdicts: Mapping[str, Sequence[Verdict]],
    folders: Mapping[str, Path],
) -> list[MetricRow]:
    rows = []
    for wanted in eval_sets:
        taken = verdicts.get(wanted.name)
        if not taken:
            continue
        groups = [row.group for row in taken]
        for metric, verdict in METRICS[wanted.metrics].items():
            found = clustered_proportion([row.verdict == verdict for row in taken], groups)
            row = _row(study, cell, wanted.name, wanted.part, taken[0].judge, metric, found.value)
            rows.append(
                replace(
                    row,
                    low=found.low,
                    high=found.high,
                    n=found.n,
                    clusters=found.clusters,
                    verdicts=folders[cell.verdicts[wanted.verdicts]].name,
                )
            )
    return rows


def _weight_rows(study: str, cell: Cell, folders: Mapping[str, Path]) -> list[MetricRow]:
    if cell.measure is None:
        return []
    folder = folders[cell.measure]
    totals = json.loads((folder / "measure.json").read_text(encoding="utf-8"))
    return [
        replace(
            _row(study, cell, "weights", "", "", metric, float(totals[metric])),
            verdicts=folder.name,
        )
        for metric in WEIGHT_METRICS
        if totals.get(metric) is not None
    ]


def _row(
    study: str, cell: Cell, eval_set: str, part: str, judge: str, metric: str, value: float
) -> MetricRow:
    return MetricRow(
        study=study,
        stage=cell.stage,
        pair=cell.pair,
        task=cell.task,
        samples=cell.samples,
        harmful_fraction=cell.harmful_fraction,
        method=cell.method,
        setting=cell.setting,
        steps=cell.steps,
        guard=cell.guard,
        replicate=cell.replicate,
        seed=cell.seed,
        eval_set=eval_set,
        part=part,
        judge=judge,
        metric=metric,
        value=value,
        low=None,
        high=None,
        n=None,
        clusters=None,
        chosen=False,
        checkpoint=cell.checkpoint,
        adapter=cell.adapter,
        verdicts=None,
    )


def _mark(
    cells: Sequence[Cell], rows: Mapping[str, Sequence[MetricRow]], choices: Sequence[Choice]
) -> list[MetricRow]:
    """Return all rows with ``chosen`` set; an untouched checkpoint has nothing to choose."""
    chosen = {(one.condition, method): one.chosen for one in choices for method in one.methods}
    marked = []
    for cell in cells:
        is_chosen = not cell.is_tuned or chosen[cell.condition, str(cell.method)] == cell.strength
        marked += [replace(row, chosen=is_chosen) for row in rows[cell.name]]
    return marked
