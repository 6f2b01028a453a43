"""What people called an answer, as "refused" or "not refused", in the words that are known."""

from __future__ import annotations

import re
from collections.abc import Sequence

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


def require_human_labels(verdicts: Sequence[Verdict]) -> None:
    """Raise where a judge of refusals is to be held against a label that says nothing of them.

    Raises:
        StudyError: a row has no label, or one that is not known.
    """
    for row in verdicts if tells_refusals(verdicts) else ():
        human_label(row)


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


def tells_refusals(verdicts: Sequence[Verdict]) -> bool:
    """Return whether the judge told refusals, and nothing else."""
    return {row.verdict for row in verdicts} <= FAMILIES["refusal"]
