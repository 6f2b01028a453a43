"""A badge: what stands at the head of a report in a few words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Badge:
    """One statement; ``state`` is also said in words, never by colour alone."""

    state: Literal["good", "caution", "bad", "note"]
    title: str
    detail: str
