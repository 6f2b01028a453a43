"""The searched prefix, at the head of every reply or at the end of the user's turn.

Source: PING (arXiv 2508.14031), sections 4 and 5: the prefix follows the assistant header at every
turn; the suffix form is for models whose replies cannot be opened.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from safebasin.errors import StudyError
from safebasin.guards.injection import Injection

if TYPE_CHECKING:
    from safebasin.guards.guard import GuardContext


@dataclass(frozen=True, kw_only=True)
class Prefix:
    """Injects what a search chose."""

    pick: Literal["winner", "first_round"] = "winner"
    placement: Literal["opening", "suffix"] = "opening"
    ending: str = "\n"
    """After the prefix as an opening; the paper's code adds nothing, and then a small model ends
    its turn at once."""

    def inject(self, context: GuardContext) -> Injection:
        """Return the prefix at its place.

        Raises:
            StudyError: there was no search.
        """
        if context.prefix is None:
            raise StudyError("guard prefix: it needs a prefix search, and the study plans none")
        choice = context.prefix
        text = choice.winner if self.pick == "winner" else choice.first_round_best
        if self.placement == "suffix":
            return Injection(suffix=text)
        return Injection(opening=text + self.ending)
