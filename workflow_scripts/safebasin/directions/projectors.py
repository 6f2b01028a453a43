"""The projector choices of AsFT: what of an update counts as anchored.

C is symmetric in all of them, and no form makes a product with B A. ``reference`` and
``reference_scaled`` are no projectors in the strict sense (C C differs from C); they are what the
released code computes. Which form is cheapest depends on the shape, and all forms of one choice
give the same numbers (tested).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, get_args

import torch
from torch import Tensor

from safebasin.directions.spectrum import frobenius_norm, leading, near_one, rounding
from safebasin.errors import StudyError

Projector = Literal["reference", "reference_scaled", "spectral", "exact", "none"]
PROJECTORS: tuple[Projector, ...] = get_args(Projector)
_TIE = 1e-9
"""Singular values nearer to each other than this share of the largest: fp64 cannot part their
vectors to fp32's digits, and the processor would choose among them."""


class Anchor(Protocol):
    """A symmetric C; tensors may carry a leading batch dimension, as ``b`` then must."""

    def project(self, b: Tensor) -> Tensor:
        """Return C b for b of shape (..., d_out, r)."""
        ...

    def apply(self, b: Tensor) -> Tensor:
        """Return (I - C) b for b of shape (..., d_out, r)."""
        ...

    def size(self) -> float:
        """Return ||C||_F, or the little more that its factors have."""
        ...

    def parts(self) -> tuple[Tensor, ...]:
        """Return the tensors that make up the anchor."""
        ...


@dataclass(frozen=True, slots=True)
class NoAnchor:
    """C = 0: the penalty is ridge."""

    def project(self, b: Tensor) -> Tensor:
        """Return 0."""
        return torch.zeros_like(b)

    def apply(self, b: Tensor) -> Tensor:
        """Return b itself."""
        return b

    def size(self) -> float:
        """Return 0."""
        return 0.0

    def parts(self) -> tuple[Tensor, ...]:
        """Return nothing."""
        return ()


@dataclass(frozen=True, slots=True)
class DenseAnchor:
    """C as a matrix: the cheapest where d_out is small against d_in."""

    c: Tensor
    """(..., d_out, d_out)."""

    def project(self, b: Tensor) -> Tensor:
        """Return C b with one product."""
        return _thin_product(self.c, b)

    def apply(self, b: Tensor) -> Tensor:
        """Return b - C b; I - C is not stored, so a small C keeps its digits."""
        return b - _thin_product(self.c, b)

    def size(self) -> float:
        """Return the norm of C."""
        return float(torch.linalg.vector_norm(self.c))

    def parts(self) -> tuple[Tensor, ...]:
        """Return C."""
        return (self.c,)


@dataclass(frozen=True, slots=True)
class FactoredAnchor:
    """C = factor factor^T: two thin products; ``factor`` is d, scaled, or orthonormal columns."""

    factor: Tensor
    """(..., d_out, k)."""

    def project(self, b: Tensor) -> Tensor:
        """Return factor (factor^T b)."""
        inner = (b.mT.contiguous() @ self.factor).mT  # factor^T b, with its columns in one piece
        return _thin_product(self.factor, inner)

    def apply(self, b: Tensor) -> Tensor:
        """Return b - factor (factor^T b)."""
        return b - self.project(b)

    def size(self) -> float:
        """Return the square of the factor's norm."""
        return float(torch.linalg.vector_norm(self.factor)) ** 2

    def parts(self) -> tuple[Tensor, ...]:
        """Return the factor."""
        return (self.factor,)


def _thin_product(matrix: Tensor, b: Tensor) -> Tensor:
    """Return matrix @ b for a b of few columns, each laid out in one piece.

    The CPU's library takes twice as long for rows of 8 numbers (4096 x 4096: 29 against 15 ms),
    and ten times as long for the transposed product.
    """
    return matrix @ b.mT.contiguous().mT


class AnchorStack:
    """Anchors of one form and one shape in one tensor, for batched products.

    Each is copied to its place as it comes, so that it may be let go: all of them are held once.
    """

    def __init__(self, like: Anchor, room: int) -> None:
        """Make room for at most so many anchors like that one."""
        self._form = type(like)
        self._parts = [part.new_empty((room, *part.shape)) for part in like.parts()]
        self._room = room
        self._count = 0

    @property
    def is_full(self) -> bool:
        """Whether no other anchor has a place."""
        return self._count == self._room

    def add(self, anchor: Anchor) -> None:
        """Copy the anchor to the next place."""
        for places, part in zip(self._parts, anchor.parts(), strict=True):
            places[self._count].copy_(part)
        self._count += 1

    def anchor(self) -> Anchor:
        """Return the anchors as one with a batch dimension, (count, ...)."""
        if not self.is_full:  # what was never filled is given back
            self._parts = [places[: self._count].clone() for places in self._parts]
            self._room = self._count
        return self._form(*self._parts)


def check_projector(projector: object, rank: object) -> None:
    """Refuse a projector that does not exist, or a rank where none belongs or none is given.

    Raises:
        StudyError: it is so; the message says what would be right.
    """
    if projector not in PROJECTORS:
        raise StudyError(f"projector {projector!r}: one of {', '.join(PROJECTORS)} is right")
    if projector == "spectral":
        if type(rank) is not int or rank < 1:
            raise StudyError(f"projector 'spectral' needs a rank of 1 or more, seen {rank!r}")
    elif rank is not None:
        raise StudyError(
            f"rank {rank!r} means nothing to the projector {projector!r}: leave it out"
        )


def build_anchor(
    direction: Tensor, projector: str, rank: int | None = None, name: str = "this matrix"
) -> Anchor:
    """Return C for one matrix, in the form that costs least for its shape.

    Args:
        direction: d, (d_out, d_in), fp32 or fp64, not zero; the anchor has its dtype and device.
        projector: ``reference`` is C = d d^T / ||d||_F, ``reference_scaled`` is that over its
            largest eigenvalue, d d^T / sigma_1^2, ``spectral`` is U_k U_k^T with the k leading
            left singular vectors, ``exact`` is d (d^T d)^-1 d^T, ``none`` is 0.
        rank: k of ``spectral``.
        name: The matrix's name, for messages.

    Raises:
        StudyError: the choice is unknown, ``exact`` is asked of a d with full row rank, or d = 0
            where a direction is needed.

    Source: AsFT, arXiv:2506.08473, equation 3 (``exact``), and its released code (``reference``).
    """
    check_projector(projector, rank)
    if projector == "none":
        return NoAnchor()
    norm = frobenius_norm(direction)
    if norm == 0.0:
        raise StudyError(f"{name}: d = 0, so there is no direction to anchor to")
    if projector == "spectral":
        assert rank is not None
        return FactoredAnchor(_spectral_basis(direction, rank, name))
    if projector == "exact":
        return FactoredAnchor(_range_basis(direction, name))
    scale = norm
    if projector == "reference_scaled":
        scale = float(leading(direction, 1).values[0]) ** 2
    return gram_anchor(direction, 1.0 / scale)


def gram_anchor(direction: Tensor, weight: float) -> DenseAnchor | FactoredAnchor:
    """Return weight * d d^T: as a matrix where d_out <= d_in, else by its factor.

    Memory decides: the matrix has d_out^2 entries, the factor d_out * d_in.
    """
    if direction.shape[0] <= direction.shape[1]:
        near, power = near_one(direction)
        return DenseAnchor((near @ near.mT).mul_(weight * power**2))
    return FactoredAnchor(direction * weight**0.5)


def _spectral_basis(direction: Tensor, rank: int, name: str) -> Tensor:
    found = leading(direction, rank + 1)
    enough = len(found.values)
    if enough < rank:
        raise StudyError(
            f"{name}: rank {rank} is asked, but d has only {enough} directions; "
            f"a rank of at most {enough} is right"
        )
    values = found.values.tolist()
    if enough > rank and values[rank - 1] - values[rank] <= _TIE * values[0]:
        raise StudyError(
            f"{name}: d's singular values {rank} and {rank + 1} are equal, so its {rank} leading "
            "directions are not determined; choose another rank"
        )
    return found.vectors[:, :rank].contiguous().to(direction)


def _range_basis(direction: Tensor, name: str) -> Tensor:
    near, _ = near_one(direction)
    left: Tensor
    left, values, _ = torch.linalg.svd(near.double(), full_matrices=False)
    rank = int((values > rounding(near) * values[0]).sum())
    if rank == direction.shape[0]:
        raise StudyError(
            f"{name}: projector 'exact' is refused, since d has full row rank {rank}: then "
            "d (d^T d)^-1 d^T is the identity and the penalty is 0 whatever the update; choose "
            "'spectral' for a true projector, or targets with d_out > d_in"
        )
    return left[:, :rank].contiguous().to(direction)
