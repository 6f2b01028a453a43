"""Ridge: the penalty of AsFT without a direction, its first control."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from safebasin.directions.projectors import NoAnchor
from safebasin.tuning.objectives.objective import Coverage, Figure, LoraPair, Objective
from safebasin.tuning.penalty_settings import checked_settings, checked_weight
from safebasin.tuning.penalty_sum import AnchoredPair, PenaltySum

if TYPE_CHECKING:
    from safebasin.directions.reader import DirectionReader


class Ridge(Objective):
    """lambda * sum of ||B A||_F^2: the update is kept small, whatever its direction.

    If AsFT does no better at the same lambda, its direction does nothing.
    """

    def __init__(self, *, weight: float, scaled: bool = False) -> None:
        """Penalise B A, or s B A if ``scaled``; a ``weight`` (lambda) of 0 is SFT."""
        self._weight = weight
        self._scaled = scaled

    @classmethod
    def configured(cls, settings: Mapping[str, object]) -> Ridge:
        """Return the objective for ``{"lambda": ..., "scaled": ...}``.

        Raises:
            StudyError: a setting is unknown, or lambda is not above 0.
        """
        given = checked_settings("ridge", settings, needed=("lambda",), optional=("scaled",))
        return cls(
            weight=checked_weight("ridge", given["lambda"]), scaled=bool(given.get("scaled", False))
        )

    def bind(self, pairs: Sequence[LoraPair], direction: DirectionReader | None) -> Coverage:
        """Cover every pair; a direction is not looked at."""
        del direction
        members = [AnchoredPair(pair=pair, anchor=NoAnchor()) for pair in pairs]
        self._penalty = PenaltySum(members, pairs, self._weight, self._scaled)
        return Coverage(expected=len(pairs), covered=len(pairs))

    def add_gradients(self, step: int) -> Mapping[str, Figure]:
        """Add the penalty's gradients; return ``penalty`` and ``penalty_gradient_norm``."""
        del step
        return self._penalty.add_gradients()


OBJECTIVE = Ridge
