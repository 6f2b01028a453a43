"""One scored prefix, and the order among them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from safebasin.guards.outcome import Scores, TaskOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A prefix that was scored: one of the pool, or a control beside it."""

    text: str
    round: int
    """From 1; 0 for a control."""
    parents: tuple[str, ...]
    outcomes: tuple[TaskOutcome, ...]
    scores: Scores
    source: str | None = None
    """The generator that wrote it; None for a control."""
    name: str | None = None
    """Of a control; None for one of the pool."""


def best_by(
    pool: Sequence[Candidate], measure: Callable[[Scores], Fraction], count: int
) -> list[Candidate]:
    """Return the ``count`` best of the pool, best first; among equals the earlier goes first."""
    return sorted(pool, key=lambda each: -measure(each.scores))[:count]


def overall(scores: Scores) -> Fraction:
    """Return perf plus refusal."""
    return scores.overall


def perf(scores: Scores) -> Fraction:
    """Return perf."""
    return scores.perf


def refusal(scores: Scores) -> Fraction:
    """Return refusal."""
    return scores.refusal
