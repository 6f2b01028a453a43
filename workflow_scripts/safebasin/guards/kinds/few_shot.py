"""A few tasks of the search part with what to do for each, put before the task.

Source: PING (arXiv 2508.14031), the few-shot baseline: five harmful and five benign instructions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from safebasin.errors import StudyError
from safebasin.guards.injection import Injection
from safebasin.guards.wording import wording

if TYPE_CHECKING:
    from safebasin.guards.guard import GuardContext


@dataclass(frozen=True, kw_only=True)
class FewShot:
    """Shows the first tasks of each kind in turn, so that no kind stands last in a block."""

    benign: int = 5
    harmful: int = 5

    def inject(self, context: GuardContext) -> Injection:
        """Return the examples as text before the task.

        Raises:
            StudyError: the search part has fewer tasks of a kind.
        """
        texts = wording("few_shot.yaml")
        shown = {
            "benign": self._first(context, "benign", self.benign),
            "harmful": self._first(context, "harmful", self.harmful),
        }
        lines = [
            f"Task: {instruction}\n{texts[kind]}"
            for place in range(max(self.benign, self.harmful))
            for kind in ("benign", "harmful")
            for instruction in shown[kind][place : place + 1]
        ]
        text = "\n".join([texts["head"], *lines, texts["foot"]])
        return Injection(before_task=text)

    def _first(self, context: GuardContext, kind: str, count: int) -> list[str]:
        """Return the instructions of the first ``count`` tasks of a kind."""
        found = [instruction for instruction, of in context.search_tasks if of == kind]
        if not 0 <= count <= len(found):
            raise StudyError(
                f"guard few_shot.{kind}: {count} examples asked for, the search part has "
                f"{len(found)} {kind} tasks"
            )
        return found[:count]
