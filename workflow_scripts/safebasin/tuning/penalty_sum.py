"""The penalty summed over an adapter, added to ``.grad`` once per optimizer step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from safebasin.directions.projectors import Anchor, AnchorStack
from safebasin.tuning.objectives.objective import Figure, LoraPair
from safebasin.tuning.penalty import anchored_penalty

_LARGEST_BATCH = 1 << 26
"""Entries of the anchors that are stacked for one batched product. Batching saves the start of
many small products; where one matrix fills the machine it saves nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchoredPair:
    """One LoRA pair with the anchor of its matrix."""

    pair: LoraPair
    anchor: Anchor


class PenaltySum:
    """weight * sum over matrices of ||(I - C) B A||_F^2, with B A or s B A."""

    def __init__(
        self,
        members: Iterable[AnchoredPair],
        among: Sequence[LoraPair],
        weight: float,
        scaled: bool,
    ) -> None:
        """Stack matrices of equal shape.

        Args:
            members: The pairs that are penalised. Each anchor is copied and let go, so where they
                are made as they are asked for, the memory of one set of them is enough.
            among: The pairs that the members are among, for which room is made.
            weight: lambda.
            scaled: Whether the penalty is taken of s B A, the update itself, instead of B A.
        """
        self._batches = _batches(members, among, weight, scaled)
        self._weight = weight

    def add_gradients(self) -> Mapping[str, Figure]:
        """Add the gradients to ``.grad``; return the penalty and its gradient's norm.

        A weight of 0 adds nothing, not even a zero, so training is the same bit for bit.
        """
        if self._weight == 0.0 or not self._batches:
            return {"penalty": 0.0, "penalty_gradient_norm": 0.0}
        sums = [batch.add_gradients() for batch in self._batches]
        penalty, squares = torch.stack([each.to(sums[0].device) for each in sums]).sum(0)
        return {"penalty": penalty, "penalty_gradient_norm": squares.sqrt()}


class _Batch:
    """Pairs of equal shape whose anchors have one form, penalised with batched products."""

    def __init__(self, like: AnchoredPair, room: int, weight: float, scaled: bool) -> None:
        self._pairs: list[LoraPair] = []
        self._stack = AnchorStack(like.anchor, room)
        self._weight, self._scaled = weight, scaled

    @property
    def is_full(self) -> bool:
        return self._stack.is_full

    def add(self, member: AnchoredPair) -> None:
        self._pairs.append(member.pair)
        self._stack.add(member.anchor)

    def close(self) -> None:
        """Be ready for the steps: no other pair comes."""
        self._anchor = self._stack.anchor()
        scales = [pair.scale**2 if self._scaled else 1.0 for pair in self._pairs]
        device = self._pairs[0].a.device
        self._weights = torch.tensor(scales, dtype=torch.float32, device=device) * self._weight

    def add_gradients(self) -> Tensor:
        """Add the gradients; return (penalty, squared norm of the gradients), (2,), fp64."""
        a = torch.stack([pair.a.detach() for pair in self._pairs])  # (n, r, d_in)
        b = torch.stack([pair.b.detach() for pair in self._pairs])  # (n, d_out, r)
        penalty = anchored_penalty(a.float(), b.float(), self._anchor)
        weights = self._weights[:, None, None]
        grad_a, grad_b = penalty.grad_a * weights, penalty.grad_b * weights
        for index, pair in enumerate(self._pairs):
            _add(pair.a, grad_a[index])
            _add(pair.b, grad_b[index])
        squares = grad_a.double().square().sum() + grad_b.double().square().sum()
        return torch.stack([(penalty.value * self._weights).double().sum(), squares])


def _add(parameter: Tensor, gradient: Tensor) -> None:
    gradient = gradient.to(parameter.dtype)
    if parameter.grad is None:
        parameter.grad = gradient.clone()
    else:
        parameter.grad.add_(gradient)


def _batches(
    members: Iterable[AnchoredPair], among: Sequence[LoraPair], weight: float, scaled: bool
) -> list[_Batch]:
    """Return the members in batches: those of the first one's form and shapes, and so on."""
    coming = Counter(map(_shapes, among))
    groups: dict[object, list[_Batch]] = {}
    for member in members:
        pair, parts = member.pair, member.anchor.parts()
        form = type(member.anchor), tuple(part.shape for part in parts)
        batches = groups.setdefault((form, _shapes(pair)), [])
        if not batches or batches[-1].is_full:
            most = max(1, _LARGEST_BATCH // max(1, sum(part.numel() for part in parts)))
            room = min(most, coming[_shapes(pair)])
            batches.append(_Batch(member, room, weight, scaled))
        batches[-1].add(member)
        coming[_shapes(pair)] -= 1
    ordered = [batch for batches in groups.values() for batch in batches]
    for batch in ordered:
        batch.close()
    return ordered


def _shapes(pair: LoraPair) -> tuple[object, ...]:
    return pair.a.shape, pair.b.shape, pair.a.device  # of a spread model, that of its layer
