"""A short ordinary comment at the head of every reply: what any opening does by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from safebasin.guards.injection import Injection
from safebasin.guards.wording import wording

if TYPE_CHECKING:
    from safebasin.guards.guard import GuardContext


@dataclass(frozen=True, kw_only=True)
class Comment:
    """Opens every reply with one comment line."""

    text: str | None = None
    """Our own unless given."""
    ending: str = "\n"

    def inject(self, context: GuardContext) -> Injection:
        """Return the comment line as the opening."""
        del context
        return Injection(opening=(self.text or wording("comment.yaml")["text"]) + self.ending)
