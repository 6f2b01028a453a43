"""AsFT's penalty as the released code computes it, to be timed against ours."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from safebasin.directions.projectors import build_anchor
from safebasin.directions.reader import DirectionReader
from safebasin.tuning.objectives.objective import Coverage, LoraPair, Objective
from torch import Tensor


class DenseReference(Objective):
    """C is kept on the host; each step copies it over, forms (I - C) B A, and lets autograd work.

    In fp32, and added to the loss of every pass, as there. That loop looks up each pair by name in
    a dictionary of all parameters; this one does not.
    """

    needs_direction = True

    def __init__(self, weight: float) -> None:
        """Take lambda."""
        self._weight = weight

    def bind(self, pairs: Sequence[LoraPair], direction: DirectionReader | None) -> Coverage:
        """Make C of each pair, in pageable host memory."""
        assert direction is not None
        self._members = []
        for pair in pairs:
            d = direction.read(pair.name).to(pair.b.device)
            (c,) = build_anchor(d, "reference", name=pair.name).parts()
            self._members.append((pair, c.cpu()))
        return Coverage(expected=len(pairs), covered=len(pairs))

    def backward(self, loss_of: Callable[[], Tensor]) -> Tensor:
        """Add the gradients of loss and penalty; return the loss."""
        loss = loss_of()
        penalty = torch.stack([self._term(pair, c) for pair, c in self._members]).sum()
        (loss + self._weight * penalty).backward()
        return loss.detach()

    def _term(self, pair: LoraPair, kept: Tensor) -> Tensor:
        c = kept.to(pair.b.device)
        outside = (torch.eye(len(c), device=c.device) - c) @ (pair.b @ pair.a)
        return torch.linalg.matrix_norm(outside).square()
