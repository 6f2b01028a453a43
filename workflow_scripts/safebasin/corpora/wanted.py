"""What a study will want of the rows of a split, held against them before any model answers.

It is no part of what a split is: the rows are the same, whatever is asked of them afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from safebasin.errors import StudyError
from safebasin.label_words import LabelWords

if TYPE_CHECKING:
    from safebasin.corpora.rows import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedRows:
    """The rows of one evaluation set."""

    name: str
    part: str
    corpora: Sequence[str] | None = None
    categories: Sequence[str] | None = None
    labels: Sequence[str] | None = None
    """What the judge of their answers knows, where it goes by the rows' labels."""


def require_wanted(rows: Sequence[Row], wanted: Sequence[WantedRows]) -> None:
    """Raise where an evaluation set would be empty, miss a category, or hold unknown labels.

    Raises:
        StudyError: with everything that is not there, and what is.
    """
    problems = list(dict.fromkeys(said for one in wanted for said in _missing(rows, one)))
    if problems:
        raise StudyError("\n".join(problems))


def unknown_labels(labels: Iterable[str | None], known: Sequence[str]) -> list[str | None]:
    """Return the labels that are none of those that a judge knows, each once."""
    words = LabelWords(known)
    return [label for label in dict.fromkeys(labels) if label is None or words.named(label) is None]


def _missing(rows: Sequence[Row], wanted: WantedRows) -> Iterator[str]:
    where = f"eval_sets.{wanted.name}"
    taken = [
        row
        for row in rows
        if row["split"] == wanted.part
        and (wanted.corpora is None or row["corpus"] in wanted.corpora)
    ]
    held = {row["category"] for row in taken}
    absent = sorted(set(wanted.categories or ()) - held)
    if absent:
        of = "" if wanted.corpora is None else f" of {', '.join(wanted.corpora)}"
        yield (
            f"{where}.categories: no row{of} in the part {wanted.part} has the category "
            f"{_listed(absent)}; there are {_listed(held) or 'no rows'}"
        )
    elif not taken:
        yield f"{where}: no row is in the part {wanted.part}, of {_listed(wanted.corpora or ())}"
    if wanted.labels is not None:
        names = wanted.categories
        ours = [row for row in taken if names is None or row["category"] in names]
        yield from _unlabelled(ours, wanted.labels, where)


def _unlabelled(rows: Sequence[Row], known: Sequence[str], where: str) -> Iterator[str]:
    unknown = unknown_labels((row["label"] for row in rows), known)
    if unknown:
        wrong = [row for row in rows if row["label"] in unknown]
        yield (
            f"{where}: {len(wrong)} of {len(rows)} rows, the first with the id "
            f"{wrong[0]['id']!r}, have labels that their judge does not know: {_listed(unknown)}; "
            f"it knows {', '.join(known)}. Name the labels of the rows in the judge's `labels`, "
            "map them with the reader's `labels`, or leave these rows out"
        )


def _listed(values: Iterable[str | None]) -> str:
    return ", ".join(sorted("none" if each is None else repr(each) for each in values))
