"""Verdicts as read from an artifact, and the part of them that an evaluation set takes."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from safebasin.analysis.cells import EvalSet
from safebasin.errors import DamagedInput, StudyError
from safebasin.verdict_words import FAMILIES, FAMILY_OF, UNLABELLED


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One judged answer, without its text."""

    id: str
    corpus: str
    split: str
    group: Hashable
    """Near-duplicate group; a row without one is a group of its own."""
    category: str | None
    label: str | None
    verdict: str
    judge: str


def read_verdicts(folder: Path) -> list[Verdict]:
    """Return the rows of ``verdicts.parquet`` in the folder.

    Raises:
        DamagedInput: two rows have one id, so that answers could not be paired, or a row has no
            verdict.
    """
    verdicts = verdicts_of(pq.read_table(folder / "verdicts.parquet"))
    if len({(row.split, row.id) for row in verdicts}) != len(verdicts):
        raise DamagedInput(f"{folder}/verdicts.parquet: an id occurs twice; ids must be unique")
    return verdicts


def verdicts_of(table: pa.Table) -> list[Verdict]:
    """Return the rows of a table of verdicts.

    Raises:
        DamagedInput: a row has no verdict.
    """
    return [_verdict(row) for row in table.to_pylist()]


def take(verdicts: Sequence[Verdict], wanted: EvalSet, whose: str) -> list[Verdict]:
    """Return the verdicts that the set takes, if its metrics can count them all.

    Args:
        verdicts: all verdicts on the answers of one model.
        wanted: the set.
        whose: what the model, or its answers, are called in messages.

    Raises:
        StudyError: there are none, a category is missing, or a verdict is not of the metrics.
    """
    taken = select(verdicts, wanted)
    if not taken:
        raise StudyError(
            f"evaluation set {wanted.name!r}: no verdicts of {whose} in part {wanted.part!r} "
            f"with corpora {wanted.corpora}, categories {wanted.categories} and labels "
            f"{wanted.taken_labels}"
        )
    where = f"evaluation set {wanted.name!r} of {whose}"
    require_categories(taken, wanted, where)
    require_known(taken, wanted.metrics, where)
    return taken


def select(verdicts: Sequence[Verdict], wanted: EvalSet) -> list[Verdict]:
    """Return the verdicts that belong to the set, in order of their ids."""
    chosen = [
        row
        for row in verdicts
        if row.split == wanted.part
        and (wanted.corpora is None or row.corpus in wanted.corpora)
        and (wanted.categories is None or row.category in wanted.categories)
        and (wanted.taken_labels is None or row.label in wanted.taken_labels)
    ]
    return sorted(chosen, key=lambda row: row.id)


def require_categories(taken: Sequence[Verdict], wanted: EvalSet, where: str) -> None:
    """Raise where a category that the set names is that of no row: it would be missed unseen.

    Raises:
        StudyError: there is such a category.
    """
    held = {row.category for row in taken}
    absent = sorted(set(wanted.categories or ()) - held)
    if absent:
        raise StudyError(
            f"{where}: no row has the category {', '.join(map(repr, absent))}; those that are "
            f"taken have {', '.join(sorted(map(repr, held)))}"
        )


def require_known(taken: Sequence[Verdict], metrics: str, where: str) -> None:
    """Raise where a verdict is none that the metrics count: it would be a share of 0 unseen.

    Raises:
        StudyError: the judge speaks another language than the metrics, or a row has no label.
    """
    known = FAMILIES[FAMILY_OF[metrics]]
    unknown = sorted({row.verdict for row in taken} - known)
    if metrics == "accuracy" and unknown == [UNLABELLED]:
        rows = [row for row in taken if row.verdict == UNLABELLED]
        labels = ", ".join(sorted({repr(row.label) for row in rows}))
        raise StudyError(
            f"{where}: {len(rows)} of {len(taken)} rows, the first with the id {rows[0].id!r}, "
            f"have labels that their judge {rows[0].judge} does not know: {labels}; name the "
            "labels of the rows in the judge's `labels`, or leave these rows out"
        )
    if unknown:
        family = FAMILY_OF[metrics]
        what = "verdicts on tasks" if family == "tasks" else f"{family} verdicts"
        raise StudyError(
            f"{where}: the verdicts {unknown} of the judge {taken[0].judge} are not {what}; the "
            f"metrics {metrics!r} count {sorted(known)}"
        )


def _verdict(row: dict[str, object]) -> Verdict:
    group, verdict = row["group"], row["verdict"]
    if not isinstance(verdict, str):
        raise DamagedInput(f"verdicts.parquet: the row {row['id']!r} has no verdict but {verdict}")
    return Verdict(
        id=str(row["id"]),
        corpus=str(row["corpus"]),
        split=str(row["split"]),
        group=("row", row["id"]) if group is None else ("group", group),
        category=None if row["category"] is None else str(row["category"]),
        label=None if row["label"] is None else str(row["label"]),
        verdict=verdict,
        judge=str(row["judge"]),
    )
