"""No guard: the agent as it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from safebasin.guards.injection import Injection

if TYPE_CHECKING:
    from safebasin.guards.guard import GuardContext


@dataclass(frozen=True, kw_only=True)
class Nothing:
    """Adds nothing."""

    def inject(self, context: GuardContext) -> Injection:
        """Return an injection without text."""
        del context
        return Injection()
