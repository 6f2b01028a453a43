"""Whether two matrices are the same numbers, of which one was rounded to a coarser type."""

from __future__ import annotations

import torch
from torch import Tensor

_COARSE = (torch.bfloat16, torch.float16)


def is_rounding(before: Tensor, d: Tensor) -> bool:
    """Return whether ``before`` and ``before + d`` differ by no more than one was rounded.

    Which type a matrix was rounded to is told by its values, and not by how it is stored: a copy
    in bfloat16 may have been written as float32 again. Two matrices of one type are never taken for
    one rounded: their smallest real differences are as small.

    Args:
        before: fp32.
        d: What is added to it, fp32, of the same shape.
    """
    after = before + d
    return any(
        _fits(before, kind) != _fits(after, kind) and _is_near(before, d, kind) for kind in _COARSE
    )


def _fits(values: Tensor, kind: torch.dtype) -> bool:
    """Return whether all values are ones of the type."""
    return torch.equal(values.to(kind).to(values.dtype), values)


def _is_near(before: Tensor, d: Tensor, kind: torch.dtype) -> bool:
    """Return whether no value moved further than to the type's next one."""
    told = torch.finfo(kind)
    step = (before.abs() + d.abs()) * told.eps + told.smallest_normal * told.eps
    return bool((d.abs() <= step).all())
