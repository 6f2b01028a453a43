"""The rows of ``probe.parquet``: accuracy over layers, logits by guard, what steering does."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Literal, TypedDict

import numpy as np
import pyarrow as pa

from safebasin.analysis.intervals import cluster_codes, clustered_proportion, clustered_variance
from safebasin.analysis.probe import Flags, Floats, grouped_folds, held_out, shuffled_labels

Measure = Literal[
    "accuracy",
    "accuracy_shuffled",
    "logit_average",
    "logit_final",
    "steering",
    "steering_random",
]

PROBE = pa.schema(
    [
        pa.field("measure", pa.string(), nullable=False),
        pa.field("layer", pa.int64()),
        pa.field("guard", pa.string()),
        pa.field("coefficient", pa.float64()),
        pa.field("kind", pa.string()),
        pa.field("metric", pa.string(), nullable=False),
        pa.field("value", pa.float64(), nullable=False),
        pa.field("low", pa.float64()),
        pa.field("high", pa.float64()),
        pa.field("n", pa.int64(), nullable=False),
        pa.field("clusters", pa.int64(), nullable=False),
    ]
)
CHANGE = "change from none"
APART = "harmful minus benign"


class ProbeRow(TypedDict, total=False):
    """One figure; what does not apply is left out."""

    measure: Measure
    layer: int
    guard: str
    coefficient: float
    kind: str
    metric: str
    value: float
    low: float | None
    high: float | None
    n: int
    clusters: int


def accuracy_rows(
    layer: int,
    states: Floats,
    kinds: Sequence[str],
    groups: Sequence[Hashable],
    *,
    folds: int,
    shuffles: int,
    seed: int,
) -> list[ProbeRow]:
    """Return the accuracy on objects that were held out, over all rows and by kind of task.

    The row of shuffled labels has the mean over the shuffles, and the least and the greatest of
    them as its ends; its n is the number of shuffles.

    Args:
        layer: Which hidden state it is.
        states: (n, width).
        kinds: Kind of each row's task; ``harmful`` is one class, all others the other.
        groups: Object of each row's task.
        folds: Parts, each of which is held out once.
        shuffles: How often the labels are shuffled.
        seed: Draws the folds and the shuffles.
    """
    labels = np.asarray([kind == "harmful" for kind in kinds], dtype=np.bool_)
    right = held_out(states, labels, grouped_folds(labels, groups, folds, seed))
    told = ProbeRow(layer=layer)
    rows = [told | _share("accuracy", "accuracy", right, groups)]
    for kind in sorted(set(kinds)):
        ours = [place for place, each in enumerate(kinds) if each == kind]
        of_kind = [groups[place] for place in ours]
        share = _share("accuracy", "accuracy", right[ours], of_kind)
        rows.append(told | {"kind": kind} | share)
    chance = []
    for shuffle in range(shuffles):
        dealt = shuffled_labels(labels, groups, seed + shuffle)
        dealt_folds = grouped_folds(dealt, groups, folds, seed)
        chance.append(float(held_out(states, dealt, dealt_folds).mean()))
    if chance:
        rows.append(
            ProbeRow(
                measure="accuracy_shuffled",
                metric="accuracy",
                layer=layer,
                value=float(np.mean(chance)),
                low=min(chance),
                high=max(chance),
                n=len(chance),
                clusters=len(chance),
            )
        )
    return rows


def logit_rows(
    measure: Measure,
    layer: int,
    logits: Mapping[str, Floats],
    kinds: Sequence[str],
    groups: Sequence[Hashable],
) -> list[ProbeRow]:
    """Return mean logits by guard and kind, and each guard's paired change from ``none``.

    Rows without a kind hold the harmful tasks' mean less the benign tasks': of the logit, and of
    its change. Intervals are t intervals with tasks of one object as one cluster.

    Args:
        measure: Where the logits were taken.
        layer: Of which hidden state.
        logits: Guard to the logit of each task, (n,); ``none`` is one of them.
        kinds: Kind of each task.
        groups: Object of each task.
    """
    rows: list[ProbeRow] = []
    for guard, values in logits.items():
        figures = {"mean": values}
        if guard != "none":
            figures[CHANGE] = values - logits["none"]
        for metric, each in figures.items():
            told = ProbeRow(measure=measure, layer=layer, guard=guard)
            parts = {}
            for kind in sorted(set(kinds)):
                ours = np.asarray([one == kind for one in kinds])
                codes = cluster_codes([g for g, mine in zip(groups, ours, strict=True) if mine])
                parts[kind] = (each[ours], codes)
                rows.append(told | {"kind": kind, "metric": metric} | _mean(*parts[kind]))
            if {"harmful", "benign"} <= set(parts):
                apart = _difference(parts["harmful"], parts["benign"])
                name = APART if metric == "mean" else f"{CHANGE}, {APART}"
                rows.append(told | {"metric": name} | apart)
    return rows


def steering_row(
    measure: Measure,
    coefficient: float,
    kind: str,
    metric: str,
    happened: Sequence[bool],
    groups: Sequence[Hashable],
) -> ProbeRow:
    """Return the share of tasks in which something happened at a coefficient."""
    flags = np.asarray(happened, dtype=np.bool_)
    return _share(measure, metric, flags, groups) | {"coefficient": coefficient, "kind": kind}


def probe_table(rows: Sequence[ProbeRow]) -> pa.Table:
    """Return the rows as the table of ``probe.parquet``."""
    empty = dict.fromkeys(PROBE.names)
    return pa.Table.from_pylist([empty | dict(row) for row in rows], schema=PROBE)


def _share(measure: Measure, metric: str, flags: Flags, groups: Sequence[Hashable]) -> ProbeRow:
    one = clustered_proportion([bool(flag) for flag in flags], groups)
    return ProbeRow(
        measure=measure,
        metric=metric,
        value=one.value,
        low=one.low,
        high=one.high,
        n=one.n,
        clusters=one.clusters,
    )


def _mean(values: Floats, codes: np.ndarray) -> ProbeRow:
    clusters = int(codes.max()) + 1
    variance = clustered_variance(values, codes)
    return _around(float(values.mean()), variance, clusters - 1, values.size, clusters)


def _difference(first: tuple[Floats, np.ndarray], second: tuple[Floats, np.ndarray]) -> ProbeRow:
    """Return the difference of two means of different tasks.

    The degrees of freedom are those of the part with fewer clusters, which is on the safe side.
    """
    (a, of_a), (b, of_b) = first, second
    counts = [int(of_a.max()) + 1, int(of_b.max()) + 1]
    variance = clustered_variance(a, of_a) + clustered_variance(b, of_b)
    value = float(a.mean() - b.mean())
    return _around(value, variance, min(counts) - 1, a.size + b.size, sum(counts))


def _around(value: float, variance: float, freedom: int, n: int, clusters: int) -> ProbeRow:
    from scipy.special import stdtrit

    half = float(stdtrit(freedom, 0.975)) * math.sqrt(variance) if freedom > 0 else None
    return ProbeRow(
        value=value,
        low=None if half is None else value - half,
        high=None if half is None else value + half,
        n=n,
        clusters=clusters,
    )
