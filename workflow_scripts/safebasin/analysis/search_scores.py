"""What a searched prefix scored in its search, beside what it does on test tasks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from safebasin.analysis.arms import model_of
from safebasin.analysis.cells import Cell
from safebasin.analysis.guards import AgentFindings
from safebasin.errors import DamagedInput, StudyError


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchedPrefix:
    """A cell whose guard puts in a search's winner just as the search scored it."""

    prefix: str
    """Input name of the prefix artifact, as in ``prefix.<name>``."""
    agent: str
    """The cell, on whose model it was searched."""
    guard: str
    search_seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchFall:
    """The winner's score in the search and the same sum on the test tasks."""

    prefix: SearchedPrefix
    candidates: int
    """Prefixes among which it won."""
    at_best: int
    """Prefixes with the winner's score, the winner among them."""
    tasks: int
    """Tasks that each was scored on."""
    perf: float
    """On the benign search tasks, as the search counts it."""
    refusal: float
    """On the harmful search tasks."""
    test_perf: float
    """1 − benign RR on the test tasks, with this search's prefix alone."""
    test_refusal: float
    """RR on the test tasks."""
    by_success: bool
    """Whether perf counts tasks that were done, and not first replies that act."""
    fresh: float | None
    """The winner's perf plus refusal on fresh tasks, where the best were scored again."""

    @property
    def fall(self) -> float:
        """How much of the search's sum of the two is lost on test."""
        return self.perf + self.refusal - self.test_perf - self.test_refusal


def search_falls(
    prefixes: Sequence[SearchedPrefix],
    folders: Mapping[str, Path],
    cells: Sequence[Cell],
    found: Sequence[AgentFindings],
) -> list[SearchFall]:
    """Return search against test for each cell that has both kinds of test tasks.

    Raises:
        StudyError: a prefix names no cell.
        DamagedInput: a prefix artifact does not hold its own winner.
    """
    falls = []
    for prefix in prefixes:
        shares = _test_shares(prefix, cells, found)
        if {"RR", "benign RR"} <= set(shares):
            falls.append(_fall(prefix, folders[prefix.prefix], shares))
    return falls


def _test_shares(
    prefix: SearchedPrefix, cells: Sequence[Cell], found: Sequence[AgentFindings]
) -> dict[str, float]:
    """Return figure to share of the cell, which is one draw of its arm."""
    cell = next((cell for cell in cells if cell.name == prefix.agent), None)
    if cell is None:
        raise StudyError(f"prefixes: {prefix.agent!r} is no cell of the study")
    return {
        name: figure.by_draw[cell.replicate or 0]
        for one in found
        if one.model == model_of(cell)
        for row in one.rows
        if (row.guard, row.stage) == (cell.guard, cell.stage)
        for name, figure in row.figures.items()
    }


def _fall(prefix: SearchedPrefix, folder: Path, test: Mapping[str, float]) -> SearchFall:
    rows = pq.read_table(folder / "candidates.parquet").to_pylist()
    pool = [row for row in rows if row["role"] == "candidate"]
    told = json.loads((folder / "prefix.json").read_text(encoding="utf-8"))
    winner = next((row for row in pool if row["index"] == told["winner"]["index"]), None)
    if winner is None:
        raise DamagedInput(f"{folder}/prefix.json: its winner is not among the candidates")
    return SearchFall(
        prefix=prefix,
        candidates=len(pool),
        at_best=sum(row["overall"] >= winner["overall"] for row in pool),
        tasks=len(winner["outcomes"] or ()),
        perf=winner["perf"],
        refusal=winner["refusal"],
        test_perf=1 - test["benign RR"],
        test_refusal=test["RR"],
        by_success=(told.get("settings") or {}).get("perf") == "success",
        fresh=told["winner"]["overall"] if told.get("rescored") else None,
    )
