"""What a guard is, whatever a study calls it: the words on guards go by this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardKind:
    """A guard's type, and what tells guards of one type apart."""

    type: str = "none"
    """As a study names it, such as ``neutral``; a plugin's ``./file.py:Class``."""
    pick: Literal["winner", "first_round"] = "winner"
    placement: Literal["opening", "suffix"] = "opening"
    classifier: float | None = None
    """Threshold of the classifier that stands beside it."""

    own_words: bool = False
    """Whether its words are the study's and not those that are built in."""

    @property
    def is_none(self) -> bool:
        """Whether there is no guard at all."""
        return self.type == "none" and not self.has_classifier

    @property
    def is_searched(self) -> bool:
        """Whether it opens replies with a search's winner, by itself or with more beside it."""
        return self._is_winner and self.placement == "opening"

    @property
    def is_suffix(self) -> bool:
        """Whether it puts a search's winner, and nothing else, at the user turn's end."""
        return self._is_winner and self.placement == "suffix" and not self.has_classifier

    @property
    def is_neutral(self) -> bool:
        """Whether it is a comment of the winner's form and length without a word on safety."""
        return self.type == "neutral" and not self.has_classifier

    @property
    def is_system_prompt(self) -> bool:
        """Whether it is a safety system prompt at test time."""
        return self.type == "system" and not self.has_classifier

    @property
    def has_classifier(self) -> bool:
        """Whether a classifier stands in front of the agent, alone or beside it."""
        return self.type == "classifier" or self.classifier is not None

    @property
    def is_from_search(self) -> bool:
        """Whether its text is one that a search scored."""
        return self.type == "prefix"

    @property
    def _is_winner(self) -> bool:
        return self.is_from_search and self.pick == "winner"
