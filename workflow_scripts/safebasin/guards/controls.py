"""What is scored beside the pool of a search and never chosen."""

from __future__ import annotations

from safebasin.guards.guard import GuardContext
from safebasin.guards.kinds.comment import Comment
from safebasin.guards.kinds.opening import Opening


def search_controls() -> dict[str, str]:
    """Return name to text: no prefix, a short ordinary comment, an inability opening."""
    nothing = GuardContext(prefix=None, count_tokens=len)
    return {
        "no prefix": "",
        "short comment": Comment(ending="").inject(nothing).opening,
        "inability opening": Opening(ending="").inject(nothing).opening,
    }
