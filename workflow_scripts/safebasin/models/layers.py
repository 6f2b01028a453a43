"""Which of a model's hidden states are meant: 0 are the embeddings, i what block i gives."""

from __future__ import annotations

from collections.abc import Sequence

from safebasin.errors import StudyError

PAPER_PROBES = (20 / 32, 22 / 32, 24 / 32)
"""Layers 20, 22 and 24 of 32.

Source: the code released with PING (arXiv 2508.14031).
"""
PAPER_STEERING = (20 / 32, 22 / 32, 24 / 32, 26 / 32, 28 / 32)
"""Source: arXiv 2508.14031, table 17 (Llama)."""
SWEEP = tuple(eighth / 8 for eighth in range(1, 8))
HEADLINE = 22 / 32


def layer_index(place: float, depth: int, key: str) -> int:
    """Return the hidden state that ``place`` means: an index, or a fraction of the depth.

    Args:
        place: A whole number from 0 to ``depth``, or a fraction between 0 and 1.
        depth: Blocks of the model.
        key: What to call the setting in a message.

    Raises:
        StudyError: the model has no such layer.
    """
    if 0 < place < 1:
        return round(place * depth)
    if place != int(place) or not 0 <= place <= depth:
        raise StudyError(
            f"{key}: {place} is no layer of a model of {depth} blocks; use 0 to {depth}, or a "
            "fraction of the depth between 0 and 1"
        )
    return int(place)


def layer_indices(places: Sequence[float], depth: int, key: str) -> list[int]:
    """Return the hidden states that are meant, each once, lowest first."""
    return sorted({layer_index(place, depth, key) for place in places})


def default_layers(depth: int) -> list[int]:
    """Return the paper's layers scaled to ``depth``, a sweep of eighths, and both ends."""
    return sorted({0, depth, *layer_indices((*PAPER_PROBES, *SWEEP), depth, "layers")})
