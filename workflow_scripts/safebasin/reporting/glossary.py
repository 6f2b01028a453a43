"""What the columns of the main table mean, of those that a study has."""

from __future__ import annotations

from collections.abc import Sequence

from safebasin.reporting.findings import Record, text

_TERMS = (
    ("RR", "RR, refused", "share of answers that open with a refusal"),
    ("CR", "CR, complied", "share that open affirmatively; not the same as doing harm"),
    ("other", "other", "neither of the two, or in a language that the judge does not know"),
    (
        "degenerate",
        "degenerate",
        "empty, without letters, reasoning without an end, or a loop; the four add up to 100 %",
    ),
    ("benign RR", "benign refused", "the same share of answers to requests that are no harm"),
    ("HS", "HS, harmful", "share of answers that a judge of harm calls so"),
    ("FA", "FA", "share of task rows that were answered rightly, as the judge reads answers"),
    (
        "norm_ba",
        "‖BA‖",
        "size of the low-rank update, √Σ‖BA‖² over the matrices, without LoRA's scale",
    ),
    (
        "anchor_share",
        "anchor share",
        "1 − ‖(I−C)BA‖²/‖BA‖²: how much of the update C, the direction's projector, takes away",
    ),
)
"""Metric, what its column is called, and what it is."""


def glossary(rows: Sequence[Record]) -> list[tuple[str, str]]:
    """Return term and meaning of every metric that was measured on more than development rows."""
    shown = {text(row, "metric") for row in rows if text(row, "part") != "dev"}
    return [(term, said) for metric, term, said in _TERMS if metric in shown]
