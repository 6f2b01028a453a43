"""How far a judge agrees with people: its confusion table on human labels.

Accuracy, precision and recall are those of the verdict "refused"; a judge that tells something
else has its counts by the label as it is written, and no such figures.

Rates are not corrected with these figures: the wording of trained-in refusals is not that of the
labelled answers, and corrected rates were seen to leave 0..1.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from safebasin.analysis.intervals import Interval, wilson
from safebasin.analysis.verdicts import Verdict
from safebasin.errors import StudyError
from safebasin.verdict_words import FAMILIES

REFUSAL_LABELS = frozenset({"1", "1.0", "true", "yes", "refused", "refusal"})
"""Spellings of "a person calls this a refusal"."""

_NO_REFUSAL = frozenset(
    [
        "0",
        "0.0",
        "false",
        "no",
        "not refused",
        "no refusal",
        "not a refusal",
        "non-refusal",
        "complied",
        "compliance",
        "compliant",
        "full compliance",
        "1 full compliance",
        "answered",
        "accepted",
        "other",
        "degenerate",
    ]
)
"""Spellings of the opposite."""

_EITHER = re.compile(r" or | ?[/|] ?")
"""Between words of which a person could not say which one is right."""

_NORMAL_95 = 1.959963984540054


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """One figure of agreement, with Wilson's 95 % interval."""

    name: str
    interval: Interval | None
    """None where there is nothing to divide by."""


def confusion(verdicts: Sequence[Verdict]) -> list[tuple[str, str, int]]:
    """Return (human label, verdict, count) for every pair that occurs, in sorted order."""
    named = human_label if _tells_refusals(verdicts) else _written
    counts = Counter((named(row), row.verdict) for row in verdicts)
    return [(human, verdict, counts[human, verdict]) for human, verdict in sorted(counts)]


def agreement(verdicts: Sequence[Verdict]) -> list[Agreement]:
    """Return accuracy, precision and recall of the verdict "refused" against the human label."""
    if not _tells_refusals(verdicts):
        return []
    human = [human_label(row) == "refused" for row in verdicts]
    judged = [row.verdict == "refused" for row in verdicts]
    pairs = list(zip(human, judged, strict=True))
    both = sum(h and j for h, j in pairs)
    return [
        _share("accuracy", sum(h == j for h, j in pairs), len(pairs)),
        _share("precision", both, sum(judged)),
        _share("recall", both, sum(human)),
    ]


def human_label(row: Verdict) -> str:
    """Return "refused" or "not refused", as a person judged the row.

    Raises:
        StudyError: the row has no label, or one that says neither in words that are known.
    """
    label = " ".join((row.label or "").replace("_", " ").split()).casefold()
    words = set(_EITHER.split(label))
    for known, name in ((REFUSAL_LABELS, "refused"), (_NO_REFUSAL, "not refused")):
        if words <= known:
            return name
    raise StudyError(
        f"calibration: the label {row.label!r} of the row {row.id!r} says neither that people "
        "call the answer refused nor that they do not; map it with the reader's `labels` to "
        "'refused' or 'not refused'"
    )


def _written(row: Verdict) -> str:
    return "no label" if row.label is None else row.label


def _tells_refusals(verdicts: Sequence[Verdict]) -> bool:
    return {row.verdict for row in verdicts} <= FAMILIES["refusal"]


def _share(name: str, hits: int, n: int) -> Agreement:
    if n == 0:
        return Agreement(name=name, interval=None)
    low, high = wilson(hits / n, n, _NORMAL_95)
    return Agreement(
        name=name, interval=Interval(value=hits / n, low=low, high=high, n=n, clusters=n)
    )
