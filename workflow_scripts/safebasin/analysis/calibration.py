"""How far a judge agrees with people: its confusion table on human labels.

Accuracy, precision and recall are those of the verdict "refused"; a judge that tells something
else has its counts by the label as it is written, and no such figures.

Rates are not corrected with these figures: the wording of trained-in refusals is not that of the
labelled answers, and corrected rates were seen to leave 0..1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from safebasin.analysis.human_labels import human_label, tells_refusals
from safebasin.analysis.intervals import Interval, wilson
from safebasin.analysis.verdicts import Verdict

_NORMAL_95 = 1.959963984540054


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """One figure of agreement, with Wilson's 95 % interval."""

    name: str
    interval: Interval | None
    """None where there is nothing to divide by."""


def confusion(verdicts: Sequence[Verdict]) -> list[tuple[str, str, int]]:
    """Return (human label, verdict, count) for every pair that occurs, in sorted order."""
    named = human_label if tells_refusals(verdicts) else _written
    counts = Counter((named(row), row.verdict) for row in verdicts)
    return [(human, verdict, counts[human, verdict]) for human, verdict in sorted(counts)]


def agreement(verdicts: Sequence[Verdict]) -> list[Agreement]:
    """Return accuracy, precision and recall of the verdict "refused" against the human label."""
    if not tells_refusals(verdicts):
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


def _written(row: Verdict) -> str:
    return "no label" if row.label is None else row.label


def _share(name: str, hits: int, n: int) -> Agreement:
    if n == 0:
        return Agreement(name=name, interval=None)
    low, high = wilson(hits / n, n, _NORMAL_95)
    return Agreement(
        name=name, interval=Interval(value=hits / n, low=low, high=high, n=n, clusters=n)
    )
