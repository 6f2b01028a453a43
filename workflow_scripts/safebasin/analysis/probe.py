"""A logistic probe on hidden states: does a layer tell harmful tasks from others?

Tasks that share an object are never on both sides of a fold: a probe that only knows the objects
by heart is right about half the time.
"""

from __future__ import annotations

import random
import warnings
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_MOST_ITERATIONS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedProbe:
    """logit(x) = weight · x + bias; positive on the harmful side.

    It is fitted on standardised states; the weight here is in the units of the states themselves.
    """

    weight: Floats
    """(width,)"""
    bias: float

    def logits(self, states: Floats) -> Floats:
        """Return the logit of each row of ``states``, (n, width); shape (n,)."""
        found: Floats = states @ self.weight + self.bias
        return found

    @property
    def direction(self) -> Floats:
        """The weight, cut to length 1: where the logit grows fastest."""
        unit: Floats = self.weight / np.linalg.norm(self.weight)
        return unit


def fit_probe(states: Floats, labels: Flags) -> FittedProbe:
    """Return the probe of all rows.

    Source: the code released with PING (arXiv 2508.14031): sklearn's logistic regression with
    max_iter 1000. It does not standardise; states of small models have a few very large features.

    Args:
        states: (n, width).
        labels: Whether each row is harmful, (n,).
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(states)
    model = LogisticRegression(max_iter=_MOST_ITERATIONS)
    with warnings.catch_warnings():
        # Shuffled labels may need more steps than the paper's thousand; its setting is kept.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(scaler.transform(states), labels)
    weight = np.asarray(model.coef_[0] / scaler.scale_, dtype=np.float64)
    return FittedProbe(weight=weight, bias=float(model.intercept_[0] - scaler.mean_ @ weight))


def grouped_folds(
    labels: Flags, groups: Sequence[Hashable], folds: int, seed: int
) -> NDArray[np.int64]:
    """Return each row's fold, (n,): groups stay whole, both classes are dealt out evenly.

    Raises:
        ValueError: a class has fewer than two groups, so that it cannot be held out and learnt.
    """
    counts: dict[Hashable, list[int]] = defaultdict(lambda: [0, 0])
    for group, label in zip(groups, labels, strict=True):
        counts[group][int(label)] += 1
    fold_of: dict[Hashable, int] = {}
    for side in (True, False):
        ours = [group for group, (no, yes) in counts.items() if (yes > no) == side]
        if len(ours) < 2:
            raise ValueError(f"{len(ours)} groups of the class {side}; two are needed")
        random.Random(f"{seed}/{side}").shuffle(ours)
        # the second class goes on where the first ended, so that folds are of like size
        first = len(fold_of)
        fold_of |= {group: (first + place) % folds for place, group in enumerate(ours)}
    return np.asarray([fold_of[group] for group in groups], dtype=np.int64)


def held_out(states: Floats, labels: Flags, folds: NDArray[np.int64]) -> Flags:
    """Return whether each row is told right by the probe of the other folds, (n,)."""
    right = np.zeros(labels.shape, dtype=np.bool_)
    for fold in np.unique(folds):
        tested = folds == fold
        probe = fit_probe(states[~tested], labels[~tested])
        right[tested] = (probe.logits(states[tested]) > 0) == labels[tested]
    return right


def shuffled_labels(labels: Flags, groups: Sequence[Hashable], seed: int) -> Flags:
    """Return the labels dealt out anew: over whole groups where each has one label, else over rows.

    Over groups, since rows of one object are alike and would keep one label between them.
    """
    by_group: dict[Hashable, bool] = {}
    is_one = True
    for group, label in zip(groups, labels, strict=True):
        is_one &= by_group.setdefault(group, bool(label)) == bool(label)
    draw = random.Random(f"shuffle {seed}")
    if not is_one:
        dealt = [bool(label) for label in labels]
        draw.shuffle(dealt)
        return np.asarray(dealt, dtype=np.bool_)
    dealt = list(by_group.values())
    draw.shuffle(dealt)
    anew = dict(zip(by_group, dealt, strict=True))
    return np.asarray([anew[group] for group in groups], dtype=np.bool_)
