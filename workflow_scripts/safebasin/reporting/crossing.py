"""Agents that were tuned in several ways, beside each other behind each guard."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from safebasin.reporting.agents import agents_of, figures_of, guard_label, model_of
from safebasin.reporting.escape import SafeHtml, element
from safebasin.reporting.findings import Findings, Record, records, text
from safebasin.reporting.labels import CALLED
from safebasin.reporting.table import figure_cell, heading, table

_COLUMNS = ("SR", "ASR", "RR", "benign RR", "look-alike RR")
_CAPTION = (
    "tunings behind each guard that several of them have, on the same test tasks. Small type: 95 % "
    "intervals. Whether two agents differ is not tested here; intervals that overlap do not show "
    "that they are alike."
)


def crossing_blocks(findings: Findings) -> list[SafeHtml]:
    """Return a table for each agent that the study tunes in several ways.

    An agent after several numbers of steps is one of them; it has a figure too.
    """
    groups: dict[tuple[str, ...], list[Record]] = {}
    for agent in agents_of(findings):
        key = tuple(text(model_of(agent), part) for part in ("pair", "agent", "seed"))
        groups.setdefault(key, []).append(agent)
    return [
        block
        for group in groups.values()
        if len({_tuning(agent) for agent in group}) > 1
        for block in _blocks(group)
    ]


def _blocks(agents: Sequence[Record]) -> list[SafeHtml]:
    by_guard: dict[str, list[tuple[str, Record]]] = {}
    for agent in agents:
        for arm in records(agent, "arms"):
            if text(arm, "stage") == text(model_of(agent), "stage"):
                by_guard.setdefault(guard_label(arm), []).append((_tuning(agent), arm))
    shared = {guard: arms for guard, arms in by_guard.items() if len(arms) > 1}
    rows = [row for guard, arms in shared.items() for row in _rows(guard, arms)]
    if not rows:
        return []
    head = [
        heading("guard"),
        heading("tuned by"),
        *(heading(f"{name}, %", numeric=True) for name in _COLUMNS),
    ]
    model = model_of(agents[0])
    seed = f", seed {text(model, 'seed')}" if text(model, "seed") else ""
    pair = text(model, CALLED) or text(model, "pair")
    caption = f"{text(model, 'agent')} ({pair}){seed}: {_CAPTION}"
    return [element("h3", "Tunings behind each guard"), table(caption, [head], rows)]


def _rows(guard: str, arms: Sequence[tuple[str, Record]]) -> Iterator[SafeHtml]:
    for place, (tuning, arm) in enumerate(arms):
        figures = figures_of(arm)
        yield element(
            "tr",
            element("th", guard, scope="rowgroup", rowspan=str(len(arms))) if not place else None,
            element("th", tuning, scope="row"),
            *(
                figure_cell(figures.get(name), percent=True, strong=name in ("SR", "RR"))
                for name in _COLUMNS
            ),
        )


def _tuning(agent: Record) -> str:
    """Return what tells the agent from those of the same world and seed."""
    model = model_of(agent)
    return text(model, "setting") or text(model, "method")
