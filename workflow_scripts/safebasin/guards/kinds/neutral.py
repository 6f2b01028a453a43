"""A comment of the winner's form and length that says nothing of safety.

It is the control that tells the prefix's meaning from its form: any first-person comment changes
what an agent does (reference run: a sixth of the refusals came back with one).
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from safebasin.errors import StudyError
from safebasin.guards.injection import Injection

if TYPE_CHECKING:
    from safebasin.guards.guard import GuardContext

_SEED = 0
"""Fixes the order of the sentences, which decides among those of equal length."""
_FEWEST_WORDS = 15


@dataclass(frozen=True, kw_only=True)
class Neutral:
    """Opens every reply with the ``index``-th neutral comment by closeness to the winner."""

    index: int = 0
    ending: str = "\n"

    def inject(self, context: GuardContext) -> Injection:
        """Return the comment line as the opening.

        Raises:
            StudyError: there was no search to match, or no so many sentences.
        """
        if context.prefix is None:
            raise StudyError("guard neutral: it matches a searched prefix, and there is no search")
        sentences = neutral_sentences()
        if not 0 <= self.index < len(sentences):
            raise StudyError(
                f"guard neutral.index: {self.index} is outside 0 to {len(sentences) - 1}"
            )
        wanted = context.count_tokens(context.prefix.winner)
        closest = sorted(sentences, key=lambda text: abs(context.count_tokens(text) - wanted))
        return Injection(opening=closest[self.index] + self.ending)


@cache
def neutral_sentences() -> tuple[str, ...]:
    """Return ``# As a <role>, I <clause> and <clause>.`` in all ways, in a seeded order.

    Those of fewer than 15 words are left out: no searched prefix is so short.
    """
    lists: Mapping[str, Sequence[str]] = yaml.safe_load(
        Path(__file__).with_name("neutral.yaml").read_text(encoding="utf-8")
    )
    sentences = [
        f"# As {role}, I {first} and {second}."
        for role in lists["roles"]
        for first, second in permutations(lists["clauses"], 2)
    ]
    sentences = [text for text in sentences if len(text.split()) > _FEWEST_WORDS]
    random.Random(f"neutral sentences {_SEED}").shuffle(sentences)
    return tuple(sentences)
