"""The label judge: was the task's label given as the first words of the answer?

The parser is strict on purpose. The released evaluation of AsFT looks for the right label anywhere
in the answer, so an answer that lists every label counts as right (reference: their AG News
evaluation); here the opening decides and a list of labels counts as no answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from safebasin.errors import StudyError
from safebasin.judging.spoken import spoken
from safebasin.label_words import LabelWords


def parse_label(answer: str, labels: Sequence[str]) -> str | None:
    """Return the label that the answer opens with, or None.

    Case and punctuation around the label do not count, unless labels differ in it. None where the
    answer opens otherwise, or where another label follows as in a list ("positive, negative").

    Raises:
        StudyError: the labels cannot be told apart.
    """
    return _words(labels).opening(answer)


class LabelJudge:
    """Compares the label that an answer names with the row's own."""

    def __init__(self, labels: Sequence[str]) -> None:
        """Judge answers that should name one of ``labels``.

        Raises:
            StudyError: there are fewer than two labels, or they cannot be told apart.
        """
        self._words = _words(labels)

    def judge(self, rows: Sequence[Mapping[str, object]]) -> list[str]:
        """Return "correct", "wrong" or "unparsed" for each row's ``response`` and ``label``.

        A row whose own label is none of the judge's is "unlabelled": no answer to it is right or
        wrong, and no metric takes it. What is marked as reasoning is not read.
        """
        return [self._verdict(row) for row in rows]

    def _verdict(self, row: Mapping[str, object]) -> str:
        label, response = row.get("label"), row.get("response")
        right = None if label is None else self._words.named(str(label))
        if right is None:
            return "unlabelled"
        named = self._words.opening("" if response is None else spoken(str(response)))
        if named is None:
            return "unparsed"
        return "correct" if named == right else "wrong"


def _words(labels: Sequence[str]) -> LabelWords:
    if isinstance(labels, str):
        raise StudyError(f"judge.labels: {labels!r} should be a list of two labels or more")
    try:
        return LabelWords(labels)
    except ValueError as problem:
        raise StudyError(f"judge.labels: {list(labels)!r}: {problem}") from None
