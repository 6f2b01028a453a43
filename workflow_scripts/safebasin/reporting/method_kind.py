"""What a method is, whatever a study calls it: the words on methods go by this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodKind:
    """A method's type, and what tells methods of one type apart.

    Without a type it is a method of which nothing is known, such as an adapter from elsewhere.
    """

    type: str = ""
    """As a study names it, such as ``asft``; empty where it is not known."""
    projector: str | None = None
    direction: Literal["aligned", "random"] | None = None

    @property
    def is_plain(self) -> bool:
        """Whether it is fine-tuning without any defence."""
        return self.type in ("sft", "full")

    @property
    def is_anchored(self) -> bool:
        """Whether it penalises what leaves the alignment direction."""
        return self.type == "asft" and self.direction != "random"

    @property
    def is_random(self) -> bool:
        """Whether it is the same with a random direction: its control."""
        return self.type == "asft" and self.direction == "random"

    @property
    def is_ridge(self) -> bool:
        """Whether it penalises the whole update."""
        return self.type == "ridge"

    @property
    def is_post_hoc(self) -> bool:
        """Whether it changes adapters that are trained already."""
        return self.type == "safe_lora"
