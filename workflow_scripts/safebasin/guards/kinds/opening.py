"""A fixed text right after the assistant header.

Source: PING (arXiv 2508.14031), section 1: an inability opening makes an agent refuse everything,
harmless tasks too. Without one the opening is scored as everywhere: the continuation alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from safebasin.guards.injection import Injection
from safebasin.guards.opening_form import opening_of
from safebasin.guards.wording import wording

if TYPE_CHECKING:
    from safebasin.guards.guard import GuardContext


@dataclass(frozen=True, kw_only=True)
class Opening:
    """Opens every reply with one text."""

    text: str | None = None
    """Our own inability opening unless given."""
    ending: str | None = None
    """What follows the text. Unless given: a line end after a comment, whose continuation would
    otherwise be part of it; nothing after any other text, which is half a sentence."""

    def inject(self, context: GuardContext) -> Injection:
        """Return the text and its ending as the opening."""
        del context
        text = self.text or wording("opening.yaml")["text"]
        if self.ending is None:
            return Injection(opening=opening_of(text))
        return Injection(opening=text + self.ending)
