"""Norms and leading singular vectors of a direction d.

The reference projector C = d d^T / ||d||_F has d's left singular vectors, with the eigenvalues
sigma_i^2 / ||d||_F. How few of them are far from 0 says how near the penalty is to plain ridge.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

import torch
from torch import Tensor

LARGEST_EXACT = 1024
"""Up to this smaller side the Gram matrix is decomposed in fp64; beyond it, a Krylov space."""
_DROWNED = 1e-8
"""Share of the largest square below which others lose digits to its rounding: values below 1e-4."""
_FINEST = 1e-12
"""Share of the largest singular value that a decomposition in fp64 still tells from 0, with a
thousandfold margin, so that no processor's order of summing decides a rank."""
_SQUARABLE = (1e-12, 1e12)
"""Between these the sums of many squares keep their digits in fp32."""
_OVERSAMPLING = 8
_STEPS = 8
_FEWEST_COLUMNS = 16  # products with fewer take longer, not less (see projectors)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leading:
    """The largest singular values of one matrix and their left vectors: as many as it has."""

    values: Tensor
    """(k,), fp64, falling, all above the rounding of the matrix's entries."""
    vectors: Tensor
    """(d_out, k), fp32, orthonormal columns."""


def frobenius_norm(matrix: Tensor) -> float:
    """Return ||matrix||_F, its rows' norms added in fp64.

    One sum over all entries in fp32 would lose digits on matrices of many millions of entries.
    """
    near, power = near_one(matrix)
    rows = torch.linalg.vector_norm(near, dim=1).double()
    return float(torch.linalg.vector_norm(rows)) * power


def near_one(matrix: Tensor) -> tuple[Tensor, float]:
    """Return the matrix over a power of 2, and that power: its squares then stay in fp32's range.

    The power is 1, and the matrix itself is returned, unless its entries are very small or large.
    Dividing by a power of 2 rounds nothing.
    """
    largest = max(abs(float(end)) for end in torch.aminmax(matrix))
    if largest == 0.0 or not math.isfinite(largest):
        return matrix, 1.0
    if _SQUARABLE[0] < largest < _SQUARABLE[1]:
        return matrix, 1.0
    power = 2.0 ** math.frexp(largest)[1]
    return (matrix.double() / power).to(matrix.dtype), power


def rounding(matrix: Tensor) -> float:
    """Return the share of the largest singular value up to which others are rounding.

    A product or difference that was rounded to the matrix's entries has singular values of about
    that size, whatever its rank. Numbers of fp32 are as fine as fp32, in fp64 as well.
    """
    is_single = bool(torch.equal(matrix.float().to(matrix.dtype), matrix))
    eps = torch.finfo(torch.float32 if is_single else torch.float64).eps
    return max(max(matrix.shape) * eps, _FINEST)


def named_generator(seed: int, name: str) -> torch.Generator:
    """Return a CPU generator that depends on the seed and the matrix's name, not on the order."""
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)


def leading(matrix: Tensor, count: int) -> Leading:
    """Return the ``count`` largest singular values of ``matrix`` (d_out, d_in) with left vectors.

    A matrix of lower rank has fewer: what is not above ``rounding`` is left out, since its vectors
    would be any at all. Exact where the smaller side is at most 1024. Beyond that a block Krylov
    space (8 steps, ``count`` + 8 columns, fixed seed) is searched: values that stand out are good
    to fp32, those in a flat bulk are low by a fraction of a per cent, and never too high.

    Source: Musco and Musco, arXiv:1504.05477, algorithm 2.
    """
    near, power = near_one(matrix)
    count = min(count, *near.shape)
    search = _by_gram_matrix if min(near.shape) <= LARGEST_EXACT else _block_krylov
    found = search(near, count)
    rank = int((found.values > rounding(near) * found.values[0]).sum())
    return Leading(values=found.values[:rank] * power, vectors=found.vectors[:, :rank])


def singular_values(matrix: Tensor, count: int) -> Tensor:
    """Return the ``count`` largest singular values, (count,), fp64; see ``leading``.

    Beyond a smaller side of 1024, those that are rounding are 0.
    """
    if min(matrix.shape) <= LARGEST_EXACT:
        values: Tensor = torch.linalg.svdvals(matrix.double())
        return values[:count]
    found = leading(matrix, count).values
    return torch.nn.functional.pad(found, (0, min(count, *matrix.shape) - len(found)))


def _by_gram_matrix(matrix: Tensor, count: int) -> Leading:
    """Decompose d d^T, or d^T d where that is smaller, for its leading vectors alone.

    That is a quarter of the time of d's decomposition, which makes all of them, and is made where
    the squares of the values asked for span too much.
    """
    from scipy.linalg import eigh

    d = matrix.double().cpu()
    tall = d.shape[0] > d.shape[1]
    gram = d.mT @ d if tall else d @ d.mT
    side = len(gram)
    squares, found = eigh(gram.numpy(), subset_by_index=(side - count, side - 1), driver="evr")
    if squares[0] <= _DROWNED * squares[-1]:
        return _by_decomposition(matrix, count)
    vectors = torch.from_numpy(found).flip(1)
    return Leading(
        values=torch.from_numpy(squares).flip(0).sqrt().to(matrix.device),
        vectors=(torch.linalg.qr(d @ vectors).Q if tall else vectors).to(matrix),
    )


def _by_decomposition(matrix: Tensor, count: int) -> Leading:
    left, values, _ = torch.linalg.svd(matrix.double().cpu(), full_matrices=False)
    return Leading(
        values=values[:count].to(matrix.device), vectors=left[:, :count].contiguous().to(matrix)
    )


def _block_krylov(matrix: Tensor, count: int) -> Leading:
    columns = max(count + _OVERSAMPLING, _FEWEST_COLUMNS)
    start = torch.randn(
        matrix.shape[1], columns, generator=named_generator(0, "block krylov"), dtype=torch.float32
    ).to(matrix)
    block = torch.linalg.qr(matrix @ start).Q  # (d_out, columns)
    basis, image = block, matrix.mT @ block  # (d_out, q), (d_in, q)
    for _ in range(_STEPS - 1):
        block = matrix @ image[:, -columns:]
        for _again in range(2):  # once is not enough in fp32
            block = torch.linalg.qr(block - basis @ (basis.mT @ block)).Q
        basis = torch.cat([basis, block], dim=1)
        image = torch.cat([image, matrix.mT @ block], dim=1)
    if not _is_orthonormal(basis):  # d's directions ran out before the steps did
        return _by_decomposition(matrix, count)
    gram = (image.mT @ image).double()  # (q, q), of d's part in the space
    squares, turn = torch.linalg.eigh(gram)
    squares, turn = squares.flip(0)[:count], turn.flip(1)[:, :count]
    if squares[-1] <= _DROWNED * squares[0]:
        _, values, rows = torch.linalg.svd(image.double(), full_matrices=False)
        squares, turn = values[:count].square(), rows.mT[:, :count]
    return Leading(
        values=squares.sqrt(),
        vectors=torch.linalg.qr(basis @ turn.to(basis)).Q,
    )


def _is_orthonormal(basis: Tensor) -> bool:
    identity = torch.eye(basis.shape[1], dtype=basis.dtype, device=basis.device)
    return bool(((basis.mT @ basis) - identity).abs().max() < 1e-3)
