"""A safety sentence that its search has not seen: what the search adds over its own grammar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from safebasin.errors import StudyError
from safebasin.guards.generators.grammar import safety_sentences
from safebasin.guards.injection import Injection

if TYPE_CHECKING:
    from safebasin.guards.guard import GuardContext


@dataclass(frozen=True, kw_only=True)
class RandomSafety:
    """Opens every reply with the ``index``-th random sentence that is not in the search's pool.

    Only sentences of the regular form are drawn, those that speak of helping and of declining.
    """

    index: int = 0
    seed: int = 0
    ending: str = "\n"

    def inject(self, context: GuardContext) -> Injection:
        """Return the sentence as the opening.

        Raises:
            StudyError: the index is negative.
        """
        if self.index < 0:
            raise StudyError(f"guard random_safety.index: {self.index} should be 0 or more")
        pool = context.prefix.pool if context.prefix is not None else ()
        text = safety_sentences(self.index + 1, self.seed, outside=pool)[self.index]
        return Injection(opening=text + self.ending)
