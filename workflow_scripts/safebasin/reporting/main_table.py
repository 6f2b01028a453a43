"""The study's main table: every model on every test set, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from safebasin.reporting.escape import SafeHtml, element
from safebasin.reporting.findings import Findings, number, text
from safebasin.reporting.models import Model, reported_sets
from safebasin.reporting.table import figure_cell, heading, table

_FOUR = ("RR", "CR", "other", "degenerate")
_HEADINGS = {"RR": "refused", "CR": "complied", "degenerate": "degen."}


def main_table(findings: Findings, models: Sequence[Model]) -> SafeHtml:
    """Return the study's main table: every model on every test set."""
    groups = _column_groups(findings, models)
    above = [heading("model", down=2)]
    above += [heading(group.label, span=len(group.columns)) for group in groups]
    below = [heading(column.label, numeric=True) for group in groups for column in group.columns]
    several = len({model.name for model in models}) < len(models)
    rows = []
    for model in models:
        picked = _was_picked(model, models)
        figures = [
            figure_cell(
                model.estimates.get(column.place), percent=group.percent, strong=column.strong
            )
            for group in groups
            for column in group.columns
        ]
        head = _model_cell(model, several, picked)
        rows.append(element("tr", head, *figures, class_="chosen" if picked else None))
    return table(_caption(findings, models), [above, below], rows)


def _caption(findings: Findings, models: Sequence[Model]) -> str:
    """Return what the rows and the small type are, as far as it is so in this study."""
    parts = {text(row, "part") for row in findings.rows} - {"", "dev"}
    sets = "the test sets" if parts <= {"test"} else "every set that is no development set"
    clustered = any(
        (number(row, "clusters") or 0) < (number(row, "n") or 0) for row in findings.rows
    )
    how = "Wilson, with near-duplicates as clusters" if clustered else "Wilson"
    seeds = ", or over seeds where those give the wider one"
    wider = seeds if any(model.seeds > 1 for model in models) else ""
    return f"Every model on {sets}. Small type: 95 % intervals over prompts ({how}){wider}."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    """One column of figures: its heading and (evaluation set, metric)."""

    label: str
    place: tuple[str, str]
    strong: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    """Columns under one heading."""

    label: str
    columns: Sequence[_Column]
    percent: bool = True


def _column_groups(findings: Findings, models: Sequence[Model]) -> list[_Group]:
    """Return the groups of columns for which the study has figures."""
    groups = [
        _Group(
            label=f"{name}: answers, %",
            columns=[
                _Column(
                    label=_HEADINGS.get(metric, metric), place=(name, metric), strong=metric == "RR"
                )
                for metric in _FOUR
            ],
        )
        for name in reported_sets(findings.rows, "RR")
    ]
    for label, metric in (
        ("task accuracy, %", "FA"),
        ("benign refused, %", "benign RR"),
        ("harmful, %", "HS"),
    ):
        names = reported_sets(findings.rows, metric)
        groups.append(
            _Group(label=label, columns=[_Column(label=n, place=(n, metric)) for n in names])
        )
    if any(("weights", "anchor_share") in model.estimates for model in models):
        columns = [
            _Column(label="‖BA‖", place=("weights", "norm_ba")),
            _Column(label="anchor share", place=("weights", "anchor_share")),
        ]
        groups.append(_Group(label="update", columns=columns, percent=False))
    return [group for group in groups if group.columns]


def _was_picked(model: Model, models: Sequence[Model]) -> bool:
    """Whether the model stands at its method's chosen setting, where settings were compared.

    A method with one setting is marked too, beside others that had several: the marked rows are
    the ones to compare.
    """
    alike = [one for one in models if one.method and one.conditions == model.conditions]
    settings = {(one.method, one.setting) for one in alike}
    several = len(settings) > len({method for method, _ in settings})
    return several and bool(model.method and model.setting) and model.chosen


def _model_cell(model: Model, several: bool, picked: bool) -> SafeHtml:
    badge = element("span", "chosen", class_="tag") if picked else None
    under = [model.conditions] if several else []
    under += [f"{model.seeds} seeds"] if model.seeds > 1 else []
    small = element("small", ", ".join(under)) if under else None
    return element("th", model.name, " ", badge, small, scope="row")
