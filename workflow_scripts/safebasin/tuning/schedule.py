"""The learning rate of each step."""

from __future__ import annotations

import math

from safebasin.tuning.training import Training


def rate_at(training: Training, step: int) -> float:
    """Return the learning rate of ``step``, counted from 0.

    It rises linearly over ``warmup`` steps (the first step is not at 0), then stays; or falls to
    0 at the step after the last, linearly or as half a cosine; or falls by a factor after every so
    many steps, those of the warm-up counted too.
    """
    if step < training.warmup:
        return training.learning_rate * (step + 1) / training.warmup
    if training.schedule == "constant":
        return training.learning_rate
    if training.schedule == "step":
        assert training.decay is not None, "checked with the study"
        assert training.decay_every is not None, "checked with the study"
        return training.learning_rate * training.decay ** (step // training.decay_every)
    left = (training.steps - step) / max(1, training.steps - training.warmup)
    if training.schedule == "linear":
        return training.learning_rate * left
    return training.learning_rate * (1 - math.cos(math.pi * left)) / 2
