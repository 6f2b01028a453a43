"""Safe LoRA: project a finished adapter's updates onto the direction, where they point away.

Source: Safe LoRA, arXiv:2405.16833. A matrix's alignment is cos(C B A, B A) with the reference's
C = d d^T / ||d||_F; those with too little of it get B <- C B. The released code's mode by number
of matrices projects while it ranks, but each time from a copy of the adapter, so that its result is
that of ranking first, as is done here. It rounds cosines to five digits and takes every matrix at
the last one's; here ties go to the earlier one, and the number is the number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import torch
from torch import Tensor

from safebasin.directions.projectors import Anchor


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """How one update lies to its anchor."""

    cosine: float | None
    """cos(C B A, B A) in [0, 1], 0 where C B A is rounding; None where B A = 0."""
    norm: float
    """||B A||_F."""
    projected_norm: float
    """||C B A||_F."""


def measure_alignment(a: Tensor, b: Tensor, anchor: Anchor) -> Alignment:
    """Return cosine and norms of one update, from its factors.

    Args:
        a: (r, d_in), fp32 or fp64.
        b: (d_out, r).
        anchor: C, of the same dtype.
    """
    triangle = torch.linalg.qr(a.mT, mode="r").R  # (k, r); ||B A|| = ||B R^T||
    update = b @ triangle.mT
    inside = anchor.project(update)
    norm, projected = float(update.double().norm()), float(inside.double().norm())
    cosine = None
    if norm > 0.0:
        cosine = 0.0
        if projected > norm * anchor.size() * _rounding(update):
            dot = float((inside.double() * update.double()).sum())
            cosine = min(1.0, max(0.0, dot / (norm * projected)))
    return Alignment(cosine=cosine, norm=norm, projected_norm=projected)


def _rounding(update: Tensor) -> float:
    """Return what is left of C times an orthogonal update, as a share of the factors' norms."""
    return 4.0 * sqrt(update.shape[0]) * torch.finfo(update.dtype).eps


def chosen_below(alignments: Sequence[Alignment], threshold: float) -> list[int]:
    """Return the indices of the updates whose cosine is at most ``threshold``.

    An update of 0 is never chosen: there is nothing to project.
    """
    return [i for i, x in enumerate(alignments) if x.cosine is not None and x.cosine <= threshold]


def chosen_lowest(alignments: Sequence[Alignment], count: int) -> list[int]:
    """Return the indices of the ``count`` updates of lowest cosine, ties in given order."""
    ranked = sorted((x.cosine, index) for index, x in enumerate(alignments) if x.cosine is not None)
    return sorted(index for _, index in ranked[:count])
