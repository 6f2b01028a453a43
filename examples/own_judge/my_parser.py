"""Parsers of one's own, as judges: what an answer gives, against the row's label."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal

_NUMBER = re.compile(r"[-+]?\d[\d,]*(?:\.\d+)?")


class Numbers:
    """Judges answers that should hold one number behind a marker, for the metric ``accuracy``."""

    def __init__(self, *, after: str, or_last: bool = False) -> None:
        """Take the study's ``params``.

        Args:
            after: the number stands behind the last of these markers.
            or_last: whether the last number of an answer counts where none stands there.
        """
        self._after = after
        self._or_last = or_last

    def judge(self, rows: Sequence[Mapping[str, object]]) -> list[str]:
        """Return "correct", "wrong" or "unparsed" for each row."""
        return [self._verdict(row) for row in rows]

    def _verdict(self, row: Mapping[str, object]) -> str:
        wanted = _numbers(str(row["label"]))
        if not wanted:
            raise ValueError(f"the row {row['id']} has no number in its label {row['label']!r}")
        answer = str(row["response"] or "")
        _, marker, rest = answer.rpartition(self._after)
        given = _numbers(rest)[:1] if marker else []
        if self._or_last and not given:
            given = _numbers(answer)[-1:]
        if not given:
            return "unparsed"
        return "correct" if given[0] == wanted[-1] else "wrong"


class Exactly:
    """Judges answers that should be a label and nothing else, for the metric ``accuracy``."""

    def __init__(self, *, labels: Sequence[str]) -> None:
        """Take the study's ``params``: the labels, as they are written in the rows."""
        self._labels = frozenset(labels)

    def judge(self, rows: Sequence[Mapping[str, object]]) -> list[str]:
        """Return "correct", "wrong" or "unparsed" for each row; a capital in front is allowed."""
        return [self._verdict(str(row["label"]), str(row["response"] or "")) for row in rows]

    def _verdict(self, label: str, answer: str) -> str:
        if label not in self._labels:
            raise ValueError(f"{label!r} is none of the labels {sorted(self._labels)}")
        said = {each for each in self._labels if answer.strip() in (each, each.capitalize())}
        if not said:
            return "unparsed"
        return "correct" if label in said else "wrong"


def _numbers(text: str) -> list[Decimal]:
    return [Decimal(found.replace(",", "")) for found in _NUMBER.findall(text)]
