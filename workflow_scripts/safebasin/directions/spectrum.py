"""Norms and leading singular vectors of a direction d.

The reference projector C = d d^T / ||d||_F has d's left singular vectors, with the eigenvalues
sigma_i^2 / ||d||_F. How few of them are far from 0 says how near the penalty is to plain ridge.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import torch
from torch import Tensor

LARGEST_EXACT = 1024
"""Up to this smaller side the Gram matrix is decomposed in fp64; beyond it, a Krylov space."""
_OVERSAMPLING = 8
_STEPS = 8
_FEWEST_COLUMNS = 16  # products with fewer take longer, not less (see projectors)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leading:
    """The largest singular values of one matrix and their left vectors."""

    values: Tensor
    """(k,), fp64, falling."""
    vectors: Tensor
    """(d_out, k), fp32, orthonormal columns."""


def frobenius_norm(matrix: Tensor) -> float:
    """Return ||matrix||_F, its rows' norms added in fp64.

    One sum over all entries in fp32 would lose digits on matrices of many millions of entries.
    """
    return float(torch.linalg.vector_norm(torch.linalg.vector_norm(matrix, dim=1).double()))


def named_generator(seed: int, name: str) -> torch.Generator:
    """Return a CPU generator that depends on the seed and the matrix's name, not on the order."""
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)


def leading(matrix: Tensor, count: int) -> Leading:
    """Return the ``count`` largest singular values of ``matrix`` (d_out, d_in) with left vectors.

    Exact where the smaller side is at most 1024 (values below 1e-8 of the largest are rounding).
    Beyond that a block Krylov space (8 steps, ``count`` + 8 columns, fixed seed) is searched:
    values that stand out are good to fp32, those in a flat bulk are low by a fraction of a per
    cent, and never too high.

    Source: Musco and Musco, arXiv:1504.05477, algorithm 2.
    """
    count = min(count, *matrix.shape)
    if min(matrix.shape) <= LARGEST_EXACT:
        return _by_gram_matrix(matrix, count)
    return _block_krylov(matrix, count)


def singular_values(matrix: Tensor, count: int) -> Tensor:
    """Return the ``count`` largest singular values, (count,), fp64; see ``leading``."""
    if min(matrix.shape) <= LARGEST_EXACT:
        values: Tensor = torch.linalg.svdvals(matrix.double())
        return values[:count]
    return leading(matrix, count).values


def _by_gram_matrix(matrix: Tensor, count: int) -> Leading:
    """Decompose d d^T, or d^T d where that is smaller, for its leading vectors alone.

    That is a quarter of the time of d's decomposition, which makes all of them.
    """
    from scipy.linalg import eigh

    d = matrix.double().cpu()
    tall = d.shape[0] > d.shape[1]
    gram = d.mT @ d if tall else d @ d.mT
    side = len(gram)
    squares, found = eigh(gram.numpy(), subset_by_index=(side - count, side - 1), driver="evr")
    vectors = torch.from_numpy(found).flip(1)
    return Leading(
        values=torch.from_numpy(squares).flip(0).clamp_min(0).sqrt().to(matrix.device),
        vectors=(torch.linalg.qr(d @ vectors).Q if tall else vectors).to(matrix),
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
    gram = (image.mT @ image).double()  # (q, q), of d's part in the space
    squares, turn = torch.linalg.eigh(gram)
    best = turn.flip(1)[:, :count]
    return Leading(
        values=squares.flip(0)[:count].clamp_min(0).sqrt(),
        vectors=torch.linalg.qr(basis @ best.to(basis)).Q,
    )
