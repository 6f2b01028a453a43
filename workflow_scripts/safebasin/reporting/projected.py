"""What a post-hoc projection left of each adapter: a defence that erases it keeps every refusal."""

from __future__ import annotations

from collections.abc import Sequence

from safebasin.reporting.escape import SafeHtml, element
from safebasin.reporting.findings import Record, Training, number, text
from safebasin.reporting.table import heading, table

_ERASED, _MOSTLY_ERASED = 0.1, 0.5
"""Shares of the norm: with less of it left an adapter is nearly, or mostly, erased."""


def projected_table(trainings: Sequence[Training]) -> SafeHtml | None:
    """Return how many matrices of each adapter were projected and what was left of its norm.

    None where the study has no post-hoc defence.
    """
    shown = [one for one in trainings if number(one.activity, "norm_kept") is not None]
    if not shown:
        return None
    rows = [
        element(
            "tr",
            element("th", one.name, scope="row"),
            element("td", _matrices(one.activity), class_="number"),
            element("td", f"{number(one.activity, 'norm_ba') or 0.0:.3f}", class_="number"),
            element("td", f"{_kept(one.activity) * 100:.1f}", class_="number"),
            element("td", what_is_left(one.activity)),
        )
        for one in shown
    ]
    head = [
        heading("post-hoc adapter"),
        heading("matrices projected", numeric=True),
        heading("‖BA‖ before", numeric=True),
        heading("norm kept, %", numeric=True),
        heading("what is left"),
    ]
    caption = (
        "What the post-hoc defence did to finished adapters. It replaces BA by C·BA with "
        "C = ddᵀ/‖d‖, which shrinks an update as far as C's eigenvalues are below 1. Where little "
        "of the norm is left, refusals may come back only because the fine-tuning is gone."
    )
    return table(caption, [head], rows)


def what_is_left(activity: Record) -> str:
    """Return in words what the projection left of an adapter."""
    kept = _kept(activity)
    if not number(activity, "projected_matrices"):
        return text(activity, "note") or "all of it: nothing was projected"
    if kept < _ERASED:
        return "nearly nothing: the projection erased nearly the whole adapter"
    if kept < _MOSTLY_ERASED:
        return "less than half: most of the adapter was erased"
    return "most of the adapter is left"


def _matrices(activity: Record) -> str:
    projected, all_of_them = (
        number(activity, f"{which}_matrices") or 0.0 for which in ("projected", "expected")
    )
    return f"{projected:g} of {all_of_them:g}"


def _kept(activity: Record) -> float:
    return number(activity, "norm_kept") or 0.0
