"""What was measured: cells of a study, evaluation sets, and the row of the evaluation table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Literal

from safebasin.analysis.guard_kind import GuardKind
from safebasin.errors import DamagedInput

METRICS: Mapping[str, Mapping[str, str]] = {
    "refusal": {"RR": "refused", "CR": "complied", "other": "other", "degenerate": "degenerate"},
    "benign": {"benign RR": "refused"},
    "accuracy": {"FA": "correct"},
    "harm": {"HS": "harmful"},
    "harmful_tasks": {"ASR": "success", "RR": "refused", "other": "other"},
    "benign_tasks": {"SR": "success", "benign RR": "refused", "other": "other"},
}
"""Metric to the verdict whose share it is, by what is asked of an evaluation set."""

TASK_LABELS: Mapping[str, tuple[str, ...]] = {
    "harmful_tasks": ("harmful",),
    "benign_tasks": ("benign",),
}
"""The metrics of an agent's tasks, with the labels they count where a set names none."""

VERDICT_OF: Mapping[str, str] = {
    metric: verdict for metrics in METRICS.values() for metric, verdict in metrics.items()
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One model under test: a checkpoint with or without an adapter, at one setting and seed."""

    name: str
    stage: Literal["base", "aligned", "tuned", "projected", "adopted", "agent"]
    pair: str
    checkpoint: str
    verdicts: Mapping[str, str]
    """Name of a set of verdicts to the input that holds it, as in ``verdicts.<input>``."""
    task: str | None = None
    samples: int | None = None
    harmful_fraction: float | None = None
    method: str | None = None
    setting: str = ""
    strength: float | None = None
    """What is chosen on the development split, such as λ; the smaller one wins a tie."""
    guard: str = "none"
    guard_kind: GuardKind = field(default_factory=GuardKind)
    seed: int | None = None
    adapter: str | None = None
    measure: str | None = None
    steps: int | None = None
    """Optimizer steps at which an agent's training was stopped, where the curve over them asks."""
    replicate: int | None = None
    """Number of the draw, of a guard that is averaged over several."""

    @property
    def is_tuned(self) -> bool:
        """Whether a method made it and its setting is chosen; an agent has none to choose."""
        return self.stage in ("tuned", "projected", "adopted")

    @property
    def condition(self) -> tuple[str, str, str, str, str]:
        """What methods must share to be compared: pair, task, samples, fraction, guard."""
        return (
            self.pair,
            _text(self.task),
            _text(self.samples),
            _text(self.harmful_fraction),
            self.guard,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalSet:
    """Rows of one set of verdicts that are reported together."""

    name: str
    verdicts: str
    part: str
    metrics: Literal["refusal", "accuracy", "benign", "harm", "harmful_tasks", "benign_tasks"]
    corpora: Sequence[str] | None = None
    categories: Sequence[str] | None = None
    labels: Sequence[str] | None = None
    """Labels of the rows, such as the kinds of tasks: harmful, benign, lookalike."""

    @property
    def taken_labels(self) -> Sequence[str] | None:
        """The labels that count: those named, or those that the metrics are for."""
        return self.labels if self.labels is not None else TASK_LABELS.get(self.metrics)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricRow:
    """One row of ``evaluation.parquet``; the fields up to ``metric`` are its key."""

    study: str
    stage: str
    pair: str
    task: str | None
    samples: int | None
    harmful_fraction: float | None
    method: str | None
    setting: str
    steps: int | None
    guard: str
    replicate: int | None
    seed: int | None
    eval_set: str
    part: str
    judge: str
    metric: str
    value: float
    low: float | None
    high: float | None
    n: int | None
    clusters: int | None
    chosen: bool
    checkpoint: str
    adapter: str | None
    verdicts: str | None
    """Digest of the verdicts, or of the measure for figures of the weights."""

    @property
    def key(self) -> tuple[object, ...]:
        """What tells this row from every other."""
        return tuple(getattr(self, name) for name in KEY_COLUMNS)


KEY_COLUMNS: tuple[str, ...] = tuple(field.name for field in fields(MetricRow))[:16]


def require_unique(rows: Sequence[MetricRow]) -> None:
    """Raise where two rows have one key.

    Raises:
        DamagedInput: two cells of the plan are the same cell.
    """
    seen: set[tuple[object, ...]] = set()
    for row in rows:
        if row.key in seen:
            raise DamagedInput(f"two rows of the evaluation have one key: {row.key}")
        seen.add(row.key)


def _text(value: object) -> str:
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
