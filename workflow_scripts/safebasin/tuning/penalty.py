"""The anchoring penalty ||(I - C) B A||_F^2 with exact gradients, without the dense product."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from safebasin.directions.projectors import Anchor


@dataclass(frozen=True, slots=True, kw_only=True)
class Penalty:
    """The penalty of one LoRA pair, or of a batch of equal shapes."""

    value: Tensor
    """(...)."""
    grad_a: Tensor
    """(..., r, d_in)."""
    grad_b: Tensor
    """(..., d_out, r)."""


def anchored_penalty(a: Tensor, b: Tensor, anchor: Anchor) -> Penalty:
    """Return ||(I - C) B A||_F^2 and its gradients.

    With M = (I - C) B and K = (I - C)^2, the gradients are 2 K B A A^T = 2 (I - C) M A A^T and
    2 B^T K B A = 2 B^T (I - C) M A. Cost: two products of (I - C) with r columns, against
    2 d_out^2 d_in FLOP and a (d_out, d_in) matrix for the dense form. No autograd graph is built.

    Args:
        a: LoRA A, (..., r, d_in), fp32 or fp64.
        b: LoRA B, (..., d_out, r); B A is taken without alpha / r, as the authors do.
        anchor: C, of the same dtype and device.

    Raises:
        ValueError: the shapes do not chain.

    Source: AsFT, arXiv:2506.08473, equation 4 and its released code. The rounding error of the
        value is of the order of eps * (1 + ||C||)^2 * ||B||^2 * ||A||^2 at most, and that of a
        true projector's is relative to ||B A||^2.
    """
    if a.shape[:-2] != b.shape[:-2] or a.shape[-2] != b.shape[-1]:
        raise ValueError(f"A {tuple(a.shape)} and B {tuple(b.shape)} do not chain")
    compute = by_traces if a.is_cuda else by_factors
    with torch.autocast(a.device.type, enabled=False):  # it would take the products in bf16
        return compute(a.detach(), b.detach(), anchor)


def by_factors(a: Tensor, b: Tensor, anchor: Anchor) -> Penalty:
    """Return the penalty by the thin QR A^T = Q R: the norm is that of (I - C) B R^T.

    That has r columns, and is a sum of squares: unlike tr((B^T K B)(A A^T)) in the same precision
    it neither cancels nor rounds below zero where B's columns and A's rows nearly annihilate.
    """
    q, r = torch.linalg.qr(a.mT)  # (..., d_in, k), (..., k, r) with k = min(d_in, r)
    x = b @ r.mT  # (..., d_out, k)
    outside = anchor.apply(x)
    twice = anchor.apply(outside).mul(2)
    return Penalty(
        value=outside.square().sum((-2, -1)),
        grad_a=(b.mT @ twice) @ q.mT,
        grad_b=twice @ r,
    )


def by_traces(a: Tensor, b: Tensor, anchor: Anchor) -> Penalty:
    """Return the penalty as tr((M^T M)(A A^T)), with the two r x r products in fp64.

    For CUDA, which factorises a batch of thin matrices one after another. What cancels is lost
    from the digits of fp64, of which fp32 factors leave half unused.
    """
    outside = anchor.apply(b)  # M, (..., d_out, r)
    twice = anchor.apply(outside).mul(2)
    rows, columns = a.double(), outside.double()
    gram = rows @ rows.mT  # (..., r, r)
    value = (columns.mT @ columns).mul(gram).sum((-2, -1)).clamp(min=0)
    return Penalty(
        value=value.to(b.dtype),
        grad_a=(b.mT @ twice) @ a,
        grad_b=twice @ gram.to(b.dtype),
    )


class AnchoredPenalty(torch.autograd.Function):
    """The penalty as a differentiable function of A and B, for use in a loss of one's own."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, anchor: Anchor) -> Tensor:
        """Return the penalty; the gradients are made at once, since they share its products."""
        penalty = anchored_penalty(a, b, anchor)
        ctx.save_for_backward(penalty.grad_a, penalty.grad_b)
        return penalty.value

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None]:
        """Return the gradients with regard to A and B."""
        grad_a, grad_b = ctx.saved_tensors
        (upstream,) = grads
        weight = upstream[..., None, None]
        return weight * grad_a, weight * grad_b, None
