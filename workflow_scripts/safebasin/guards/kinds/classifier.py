"""A text classifier in front of the agent, alone or beside another guard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from safebasin.guards.injection import Injection

if TYPE_CHECKING:
    from safebasin.guards.guard import GuardContext


@dataclass(frozen=True, kw_only=True)
class Classify:
    """Adds no text: the rollouts ask the classifier before the first turn."""

    threshold: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """A task is blocked where the probability of harm is at least this."""

    def inject(self, context: GuardContext) -> Injection:
        """Return an injection without text."""
        del context
        return Injection()
