"""What a searched prefix scored in its search, beside what it does on test tasks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from safebasin.analysis.arms import model_of
from safebasin.analysis.cells import Cell
from safebasin.analysis.guards import SEARCHED, AgentFindings, ArmFigure
from safebasin.errors import DamagedInput, StudyError


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchedPrefix:
    """Which search a prefix artifact is of."""

    agent: str
    """The cell on whose model it was searched."""
    guard: str = SEARCHED
    search_seed: int = 0


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
    """1 − benign RR on the test tasks, of the draw whose number is the search's seed."""
    test_refusal: float
    """RR on the test tasks."""
    fresh: float | None
    """The winner's perf plus refusal on fresh tasks, where the best were scored again."""

    @property
    def fall(self) -> float:
        """How much of the search's sum of the two is lost on test."""
        return self.perf + self.refusal - self.test_perf - self.test_refusal


def search_falls(
    prefixes: Sequence[tuple[SearchedPrefix, Path]],
    cells: Sequence[Cell],
    found: Sequence[AgentFindings],
) -> list[SearchFall]:
    """Return search against test for each prefix whose guard was run on the model it is of."""
    falls = [_fall(prefix, folder, _findings(prefix, cells, found)) for prefix, folder in prefixes]
    return [fall for fall in falls if fall is not None]


def _findings(
    prefix: SearchedPrefix, cells: Sequence[Cell], found: Sequence[AgentFindings]
) -> AgentFindings | None:
    cell = next((cell for cell in cells if cell.name == prefix.agent), None)
    if cell is None:
        raise StudyError(f"prefixes: {prefix.agent!r} is no cell of the study")
    return next((one for one in found if one.model == model_of(cell)), None)


def _fall(
    prefix: SearchedPrefix, folder: Path, findings: AgentFindings | None
) -> SearchFall | None:
    own = [
        row
        for row in (findings.rows if findings else ())
        if row.guard == prefix.guard and findings and row.stage == findings.model.stage
    ]
    if not own or not {"RR", "benign RR"} <= set(own[0].figures):
        return None
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
        test_perf=1 - _share(own[0].figures["benign RR"], prefix),
        test_refusal=_share(own[0].figures["RR"], prefix),
        fresh=told["winner"]["overall"] if told.get("rescored") else None,
    )


def _share(figure: ArmFigure, prefix: SearchedPrefix) -> float:
    """Return the search's own draw of the guard, where several searches are its draws."""
    return figure.by_draw.get(prefix.search_seed, figure.interval.value)
