"""Tunings of agents that have a name of their own."""

from __future__ import annotations

from math import ceil

from safebasin.study.agents import Tuning
from safebasin.study.orders import LINEAR_LAYERS
from safebasin.study.training import Training

_PAPER_BATCH = 128
_ROWS_A_PASS = 8


def settle(tuning: Tuning, rows: int) -> Tuning:
    """Return the tuning with a preset's settings in the place of its name.

    ``paper`` is how PING's agents were made (arXiv 2508.14031, and the settings files of its
    code): all linear layers of all blocks, learning rate 1e-5 with a cosine, warm-up over a tenth
    of the steps, batches of 128 rows, each row once. Embeddings and norms, which the paper
    trains too, stay as they are.

    Args:
        tuning: As the study has it.
        rows: Demonstrations that there are to train on.
    """
    if tuning.preset is None:
        return tuning
    steps = ceil(rows / _PAPER_BATCH)
    training = Training(
        learning_rate=1e-5,
        schedule="cosine",
        warmup=ceil(steps / 10),
        steps=steps,
        batch_size=_PAPER_BATCH,
        micro_batch=_ROWS_A_PASS,
        max_length=16384,
    )
    return tuning.model_copy(
        update={"preset": None, "targets": LINEAR_LAYERS, "training": training}
    )
