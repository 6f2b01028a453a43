"""AsFT: fine-tune, and penalise the part of the update that leaves the alignment direction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from safebasin.directions.projectors import Anchor, NoAnchor, build_anchor, check_projector
from safebasin.errors import StudyError
from safebasin.tuning.objectives.objective import Coverage, Figure, LoraPair, Objective
from safebasin.tuning.penalty_settings import checked_settings, checked_weight
from safebasin.tuning.penalty_sum import AnchoredPair, PenaltySum

if TYPE_CHECKING:
    from safebasin.directions.reader import DirectionReader


class Asft(Objective):
    """lambda * sum over matrices of ||(I - C) B A||_F^2, C made from d = W_aligned - W_base.

    Source: AsFT, arXiv:2506.08473. Differences from the released code: matrices are matched by
    name, not by position; the penalty is added once per optimizer step, not per micro-batch; it
    is computed without the dense product (equal to rounding).
    """

    needs_direction: ClassVar[bool] = True

    def __init__(
        self,
        *,
        weight: float,
        projector: str = "reference",
        rank: int | None = None,
        scaled: bool = False,
    ) -> None:
        """Penalise B A, or s B A if ``scaled``; a ``weight`` (lambda) of 0 is SFT."""
        check_projector(projector, rank)
        self._weight = weight
        self._projector = projector
        self._rank = rank
        self._scaled = scaled

    @classmethod
    def configured(cls, settings: Mapping[str, object]) -> Asft:
        """Return the objective for ``{"lambda", "projector", "rank", "scaled"}``.

        Raises:
            StudyError: a setting is unknown or impossible, or lambda is not above 0.
        """
        given = checked_settings(
            "asft", settings, needed=("lambda",), optional=("projector", "rank", "scaled")
        )
        projector, rank = given.get("projector", "reference"), given.get("rank")
        check_projector(projector, rank)
        return cls(
            weight=checked_weight("asft", given["lambda"]),
            projector=str(projector),
            rank=rank if isinstance(rank, int) else None,
            scaled=bool(given.get("scaled", False)),
        )

    def bind(self, pairs: Sequence[LoraPair], direction: DirectionReader | None) -> Coverage:
        """Make each pair's anchor, on its device; pairs without a direction are missing.

        Raises:
            StudyError: there is no direction, a shape differs, d = 0 where the direction's policy
                is ``refuse``, or the projector cannot be made of a matrix.
        """
        if direction is None and self._projector != "none":
            raise StudyError(f"method asft: the projector {self._projector!r} needs a direction")
        known = frozenset(direction.names()) if direction else frozenset[str]()
        everywhere = self._projector == "none"
        named = [pair for pair in pairs if everywhere or pair.name in known]
        free: list[str] = []
        members = self._members(named, direction, free)
        self._penalty = PenaltySum(members, named, self._weight, self._scaled)
        return Coverage(
            expected=len(pairs) - len(free),
            covered=len(named) - len(free),
            missing=() if everywhere else tuple(p.name for p in pairs if p.name not in known),
            free=tuple(free),
        )

    def add_gradients(self, step: int) -> Mapping[str, Figure]:
        """Add the penalty's gradients; return ``penalty`` and ``penalty_gradient_norm``."""
        del step
        return self._penalty.add_gradients()

    def _members(
        self, pairs: Sequence[LoraPair], direction: DirectionReader | None, free: list[str]
    ) -> Iterator[AnchoredPair]:
        """Yield each pair with its anchor, made when it is asked for; name those left free."""
        for pair in pairs:
            anchor = self._anchor(pair, direction)
            if anchor is None:
                free.append(pair.name)
            else:
                yield AnchoredPair(pair=pair, anchor=anchor)

    def _anchor(self, pair: LoraPair, direction: DirectionReader | None) -> Anchor | None:
        """Return the pair's anchor, or None where d = 0 leaves the matrix free."""
        if direction is None or self._projector == "none":
            return NoAnchor()
        d = direction.read(pair.name)
        if d.shape != (pair.b.shape[0], pair.a.shape[1]):
            raise StudyError(
                f"{pair.name}: the direction is {tuple(d.shape)}, the adapted matrix "
                f"{(pair.b.shape[0], pair.a.shape[1])}; take a direction of this model"
            )
        if not d.any():
            return _zero_anchor(pair.name, direction.zero)
        return build_anchor(d.to(pair.b.device), self._projector, self._rank, pair.name)


def _zero_anchor(name: str, policy: str) -> Anchor | None:
    if policy == "refuse":
        raise StudyError(f"{name}: d = 0 and the direction's policy for zeros is 'refuse'")
    return NoAnchor() if policy == "shrink" else None


OBJECTIVE = Asft
