"""The models of a study as the report's tables and figures name and order them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from safebasin.reporting.findings import Record, number, text
from safebasin.reporting.labels import CALLED, LABEL, with_label
from safebasin.reporting.method_kind import MethodKind

Methods = Mapping[str, MethodKind]
"""What each method of the study is, by the study's name for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A figure with its interval."""

    value: float
    low: float | None
    high: float | None


@dataclass(slots=True, kw_only=True)
class Model:
    """One line of the main table: a method at a setting, over its seeds."""

    stage: str
    method: str
    """Empty for an untouched checkpoint."""
    setting: str
    conditions: str
    """What it was made from and tuned on, in words."""
    pair: str = ""
    task: str = ""
    label: str = ""
    """What people call an untouched checkpoint."""
    chosen: bool
    kind: MethodKind = field(default_factory=MethodKind)
    seeds: int = 1
    estimates: dict[tuple[str, str], Estimate] = field(default_factory=dict)
    """(evaluation set, metric) to the estimate."""

    @property
    def name(self) -> str:
        """How the model is called in tables."""
        name = self.method or with_label(self.stage, self.label)
        return " ".join(part for part in (name, self.setting) if part)

    @property
    def family(self) -> str:
        """What a model shares its colour with."""
        return self.method or self.stage


def models_of(summary: Sequence[Record], methods: Methods | None = None) -> list[Model]:
    """Return the models in the study's order, with their estimates on all sets.

    Args:
        summary: the metrics over seeds.
        methods: what the methods are; of one that is not there, nothing is known.
    """
    known = methods or {}
    models: dict[tuple[str, ...], Model] = {}
    for row in summary:
        conditions = condition_text(row)
        key = (text(row, "stage"), method_text(row), text(row, "setting"), conditions)
        model = models.setdefault(
            key,
            Model(
                stage=key[0],
                method=key[1],
                setting=key[2],
                conditions=conditions,
                pair=text(row, "pair"),
                task=text(row, "task"),
                label=text(row, LABEL),
                chosen=bool(row.get("chosen")),
                kind=known.get(key[1], MethodKind()),
            ),
        )
        value = number(row, "mean")
        if value is not None:
            model.seeds = max(model.seeds, int(number(row, "seeds") or 1))
            model.estimates[text(row, "eval_set"), text(row, "metric")] = Estimate(
                value=value, low=number(row, "low"), high=number(row, "high")
            )
    return list(models.values())


def method_text(row: Record) -> str:
    """Return the row's method; empty for an untouched checkpoint."""
    return "" if text(row, "stage") in ("base", "aligned") else text(row, "method")


def condition_text(row: Record) -> str:
    """Return what a row's model was made from and tuned on, in words."""
    fraction, samples = number(row, "harmful_fraction"), number(row, "samples")
    guard = text(row, "guard")
    parts = [
        text(row, CALLED) or text(row, "pair"),
        text(row, "task"),
        "" if samples is None else f"{samples:g} samples",
        "" if fraction is None else f"{fraction * 100:g} % harmful",
        "" if guard in ("", "none") else f"guard {guard}",
        f"draw {text(row, 'replicate')}" if text(row, "replicate") else "",
        f"stopped at {text(row, 'steps')} steps" if text(row, "steps") else "",
    ]
    return ", ".join(part for part in parts if part)


def reported_sets(rows: Sequence[Record], metric: str) -> list[str]:
    """Return the evaluation sets, development sets aside, that have the metric, in order."""
    found = [
        text(row, "eval_set")
        for row in rows
        if text(row, "metric") == metric and text(row, "part") != "dev"
    ]
    return list(dict.fromkeys(found))
