"""What a job asks a scheduler for: memory and time, from the model it works on."""

from __future__ import annotations

from safebasin.study.graph import Node

LIBRARIES = 2048
"""MiB that Python and the libraries take, whatever the model."""

COPIES = {"align_checkpoint": 4.0, "tune_checkpoint": 4.0} | dict.fromkeys(
    ("extract_direction", "measure_adapter", "project_adapter"), 0.1
)
"""fp32 copies of the weights in memory: training in full holds weights, gradients and two
moments; what goes matrix by matrix holds a few."""
LOADED = 2.0
"""The same of every other step that loads the model: weights, and room to load and run them."""

PER_HOUR_ON_CPU, PER_HOUR_ON_GPU = 1e12, 2e13
"""Parameters times sequences in an hour."""

GROWTH = 1.6
"""How much more each further attempt asks for; a job that timed out resumes besides."""


def memory(node: Node, attempt: int) -> int:
    """Return the MiB to ask for."""
    weights = 4 * node.parameters / 2**20
    return round((LIBRARIES + weights * COPIES.get(node.rule, LOADED)) * _growth(attempt))


def minutes(node: Node, attempt: int, device: str) -> int:
    """Return the minutes to ask for, generous: 20, reading the weights, and the sequences.

    Args:
        node: the job.
        attempt: 1, and one more after each failure.
        device: ``cpu`` where the machine is told to compute there, else a GPU is reckoned with.
    """
    reading = 10 * node.parameters / 1e9
    speed = PER_HOUR_ON_CPU if device == "cpu" else PER_HOUR_ON_GPU
    working = 60 * node.work * node.parameters / speed
    return round((20 + reading + working) * _growth(attempt))


def _growth(attempt: int) -> float:
    return GROWTH ** (attempt - 1)
