"""A safety system prompt at test time only.

Source: Lyu et al., "Keeping LLMs Aligned After Fine-tuning: The Crucial Role of Prompt Templates"
(PTST: pure tuning, safe testing), arXiv 2402.18540; the wording is ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from safebasin.guards.injection import Injection
from safebasin.guards.wording import wording

if TYPE_CHECKING:
    from safebasin.guards.guard import GuardContext


@dataclass(frozen=True, kw_only=True)
class System:
    """Puts a text after the world's system message."""

    text: str | None = None
    """Our own safety text unless given."""

    def inject(self, context: GuardContext) -> Injection:
        """Return the text as an addition to the system message."""
        del context
        return Injection(system=self.text or wording("system.yaml")["text"])
