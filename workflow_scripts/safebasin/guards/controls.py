"""What is scored beside the pool of a search and never chosen."""

from __future__ import annotations

from collections.abc import Callable

from safebasin.guards.choice import PrefixChoice
from safebasin.guards.guard import GuardContext
from safebasin.guards.kinds.comment import Comment
from safebasin.guards.kinds.neutral import Neutral
from safebasin.guards.kinds.opening import Opening

NEUTRAL_COMMENTS = 5
"""As many as the default study plays on its test tasks; they differ a lot from each other."""


def search_controls(winner: str, count_tokens: Callable[[str], int]) -> dict[str, str]:
    """Return name to text: no prefix, a short comment, an inability opening, neutral comments.

    Args:
        winner: the search's winner, whose form and length the neutral comments have.
        count_tokens: tokens of a text, by the agent's tokenizer.
    """
    choice = PrefixChoice(winner=winner, first_round_best=winner, pool=(winner,))
    context = GuardContext(prefix=choice, count_tokens=count_tokens)
    neutral = {
        f"neutral comment {place + 1}": Neutral(index=place, ending="").inject(context).opening
        for place in range(NEUTRAL_COMMENTS)
    }
    return {
        "no prefix": "",
        "short comment": Comment(ending="").inject(context).opening,
        "inability opening": Opening(ending="").inject(context).opening,
    } | neutral
