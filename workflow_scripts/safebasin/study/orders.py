"""Lists whose order means nothing, each put in one order, so that no digest tells of another.

The orders are those in which the studies that come with the project were written first: their
artifacts stay what they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator

from safebasin.store.canonical import canonical_json
from safebasin.study.base import Distinct, Line

LINEAR_LAYERS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
"""The linear layers of a Llama's block, as data passes through them."""

Scalar = str | bool | int | float


def layers_in_order(names: Sequence[str]) -> tuple[str, ...]:
    """Return names of layers as data passes through them; names that others use, by alphabet."""
    places = {name: place for place, name in enumerate(LINEAR_LAYERS)}
    return tuple(sorted(names, key=lambda name: (places.get(name, len(places)), name)))


def labels_in_order(labels: Sequence[str]) -> tuple[str, ...]:
    """Return labels with the longest first, as they are tried; equals from the alphabet's end."""
    return tuple(sorted(sorted(labels, reverse=True), key=len, reverse=True))


def values_in_order(values: Sequence[Scalar]) -> tuple[Scalar, ...]:
    """Return the values that a column may have, by type and then by value."""
    return tuple(sorted(values, key=lambda value: (type(value).__name__, canonical_json(value))))


def numbers_in_order(values: Sequence[float]) -> tuple[float, ...]:
    """Return numbers with the smallest first."""
    return tuple(sorted(values))


Targets = Annotated[tuple[Line, ...], Distinct, AfterValidator(layers_in_order)]
