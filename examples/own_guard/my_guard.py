"""A guard of one's own: a sentence before the task, and the searched prefix on top of it."""

from __future__ import annotations

from dataclasses import dataclass

from safebasin.guards.guard import GuardContext
from safebasin.guards.injection import Injection


@dataclass(frozen=True, kw_only=True)
class Reminder:
    """Puts ``text`` before the task; ``prefix`` opens the replies with what the search found."""

    text: str
    prefix: bool = False

    def inject(self, context: GuardContext) -> Injection:
        """Return what to put into every prompt; the field names say where each text goes."""
        opening = ""
        if self.prefix and context.prefix is not None:
            opening = f"{context.prefix.winner}\n"
        return Injection(before_task=self.text, opening=opening)
