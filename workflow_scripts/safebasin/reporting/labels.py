"""What people call checkpoints, put beside the names that tables have as keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from safebasin.reporting.findings import Findings, Record, records, text

LABEL = "label"
"""Key of what an untouched checkpoint is called."""
CALLED = "called"
"""Key of what stands in a row for its pair."""
_UNTOUCHED = ("base", "aligned")


def labelled(findings: Findings, labels: Mapping[str, str], called: Mapping[str, str]) -> Findings:
    """Return the findings with labels in their rows and agents; keys stay as they are.

    Args:
        findings: as an evaluation has them.
        labels: digest of a checkpoint to what it is called.
        called: what is in the column ``pair`` to what is shown for it, where that is no pair.
    """
    label_at = {
        _place(row): labels[text(row, "checkpoint")]
        for row in findings.rows
        if text(row, "stage") in _UNTOUCHED and text(row, "checkpoint") in labels
    }

    def told(rows: Sequence[Record]) -> list[Record]:
        return [
            {
                **row,
                LABEL: label_at.get(_place(row), ""),
                CALLED: called.get(text(row, "pair"), text(row, "pair")),
            }
            for row in rows
        ]

    agents = [_agent(one, label_at, called) for one in records(findings.guards, "agents")]
    return replace(
        findings,
        rows=told(findings.rows),
        summary=told(findings.summary),
        guards={**findings.guards, "agents": agents} if agents else findings.guards,
    )


def with_label(name: str, label: str) -> str:
    """Return a name with what it is called, where it has a label."""
    return f"{name} ({label})" if label else name


def pair_words(rows: Sequence[Record]) -> list[str]:
    """Return of each pair with a label which checkpoint is its base, and which is aligned."""
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        if text(row, "stage") in _UNTOUCHED and text(row, LABEL):
            found.setdefault(text(row, CALLED), {})[text(row, "stage")] = text(row, LABEL)
    return [
        f"{pair}: "
        + "; ".join(f"{stage}: {labels[stage]}" for stage in sorted(labels, reverse=True))
        for pair, labels in found.items()
    ]


def _place(row: Record) -> tuple[str, ...]:
    """Return what tells an untouched checkpoint from others in every table."""
    return tuple(text(row, key) for key in ("pair", "task", "stage"))


def _agent(
    agent: Record, label_at: Mapping[tuple[str, ...], str], called: Mapping[str, str]
) -> Record:
    model = agent.get("model")
    if not isinstance(model, dict):
        return agent
    pair = text(model, "pair")
    label = label_at.get((pair, text(model, "agent"), "aligned"), "")
    arms = [
        {**arm, LABEL: label if text(arm, "stage") == "aligned" else ""}
        for arm in records(agent, "arms")
    ]
    return {**agent, "model": {**model, CALLED: called.get(pair, pair)}, "arms": arms}
