"""What a judge gave, checked: one known verdict for each row, in the order of the rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from safebasin.errors import StudyError
from safebasin.verdict_words import FAMILIES, UNLABELLED

Rows = list[dict[str, object]]


def ask(judging: Callable[[Rows], object], rows: Rows, kind: str, families: Sequence[str]) -> Rows:
    """Return the rows, each with the ``verdict`` that ``judging`` gave it.

    The judge gets rows of its own, so that nothing it does to them moves a verdict.

    Args:
        judging: what takes the rows and returns the verdicts.
        rows: what is judged; each has an ``id``.
        kind: the judge's type, for errors.
        families: those of ``FAMILIES`` of which all verdicts must be one.

    Raises:
        StudyError: there is not one verdict a row, the judge put its rows in another order, or a
            verdict is no text, is no known word, or is of another family than the rest.
    """
    handed = [dict(row) for row in rows]
    given = _listed(judging(handed), kind)
    if len(given) != len(rows):
        raise StudyError(f"judge {kind}: {len(given)} verdicts on {len(rows)} rows; one a row")
    if [row.get("id") for row in handed] != [row.get("id") for row in rows]:
        raise StudyError(
            f"judge {kind}: it put the rows that it was given in another order, or took some out; "
            "verdicts must be in the order of the rows, so work on a copy"
        )
    judged = [row | {"verdict": _word(each)} for row, each in zip(rows, given, strict=True)]
    _require_words(judged, kind, families)
    return judged


def _listed(given: object, kind: str) -> list[object]:
    if isinstance(given, str | bytes | Mapping | set | frozenset) or not isinstance(
        given, Iterable
    ):
        raise StudyError(
            f"judge {kind}: it returned a {type(given).__name__}; a list with one verdict for "
            "each row is needed, in the order of the rows"
        )
    return list(given)


def _word(verdict: object) -> object:
    """Return a word as bare text: that of an enum of words has a name besides."""
    return str.__str__(verdict) if isinstance(verdict, str) else verdict


def _require_words(judged: Rows, kind: str, families: Sequence[str]) -> None:
    """Raise unless all verdicts are words of one family."""
    allowed = {family: FAMILIES[family] for family in families}
    if "accuracy" in allowed:
        allowed["accuracy"] |= {UNLABELLED}
    words = frozenset[str]().union(*allowed.values())
    told = ", ".join(f"of {family} {sorted(FAMILIES[family])}" for family in families)
    unknown = [
        row for row in judged if not isinstance(row["verdict"], str) or row["verdict"] not in words
    ]
    if unknown:
        shown = ", ".join(sorted({repr(row["verdict"]) for row in unknown}))
        raise StudyError(
            f"judge {kind}: the verdicts [{shown}] (the first on the row {unknown[0].get('id')!r}) "
            f"are none that a metric counts; verdicts are, spelled so, {told}"
        )
    seen = {str(row["verdict"]) for row in judged}
    if not any(seen <= family for family in allowed.values()):
        raise StudyError(
            f"judge {kind}: the verdicts {sorted(seen)} are of several sorts; a judge gives those "
            f"of one: {told}"
        )
