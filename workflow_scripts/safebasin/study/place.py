"""Where in a study's values something stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def place_of(raw: object, told: Sequence[object]) -> tuple[Any, ...]:
    """Return the way to the innermost part of ``raw`` on the way that pydantic tells.

    It also puts the names of a union's branches into the path; they are passed over.
    """
    inner: Any = raw
    place: list[Any] = []
    for part in told:
        if has(inner, part):
            place.append(part)
            inner = inner[part]
    return tuple(place)


def has(inner: object, part: object) -> bool:
    """Return whether ``part`` is a key or an index of ``inner``."""
    if isinstance(inner, dict):
        return part in inner
    return isinstance(inner, list) and isinstance(part, int) and part < len(inner)
