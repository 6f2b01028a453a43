from __future__ import annotations

import pytest
import torch
from safebasin.directions import spectrum
from safebasin.directions.spectrum import frobenius_norm, leading, singular_values
from torch import Tensor


def spiked(rows: int, cols: int) -> Tensor:
    """A matrix like real directions: some strong directions over a falling bulk."""
    rng = torch.Generator().manual_seed(0)
    left = torch.linalg.qr(torch.randn(rows, 40, generator=rng, dtype=torch.float64)).Q
    right = torch.linalg.qr(torch.randn(cols, 40, generator=rng, dtype=torch.float64)).Q
    values = 4.0 * 0.9 ** torch.arange(40, dtype=torch.float64)
    noise = torch.randn(rows, cols, generator=rng, dtype=torch.float64) * 1e-3
    made: Tensor = ((left * values) @ right.mT + noise).float()
    return made


@pytest.mark.parametrize("shape", [(30, 20), (20, 30), (25, 25), (9, 1), (1, 9)], ids=str)
@pytest.mark.parametrize("count", [1, 4, 40])
def test_leading_values_and_vectors_are_those_of_the_full_decomposition(
    shape: tuple[int, int], count: int
) -> None:
    d = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    left, values, _ = torch.linalg.svd(d.double(), full_matrices=False)

    found = leading(d, count)

    torch.testing.assert_close(found.values, values[:count])
    size = min(count, *shape)
    overlap = (left[:, :size] * found.vectors.double()).sum(dim=0).abs()
    torch.testing.assert_close(overlap, torch.ones(size, dtype=torch.float64), rtol=0, atol=1e-5)


@pytest.mark.parametrize("krylov", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_a_matrix_of_low_rank_has_only_the_vectors_that_are_its_own(
    dtype: torch.dtype, krylov: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = torch.Generator().manual_seed(0)
    d = torch.randn(90, 2, generator=rng, dtype=dtype) @ torch.randn(2, 70, generator=rng).to(dtype)

    monkeypatch.setattr(spectrum, "LARGEST_EXACT", 0 if krylov else 1024)
    found = leading(d, 5)

    assert found.values.shape == (2,)
    torch.testing.assert_close(found.vectors @ (found.vectors.mT @ d), d, rtol=0, atol=1e-4)
    assert len(singular_values(d, 5)) == 5


def test_a_large_matrix_whose_directions_run_out_has_each_of_them_once() -> None:
    d = torch.zeros(1100, 1050)
    d[0, 3], d[7, 5], d[9, 5] = 3.0, 1.5, 2.0

    found = leading(d, 16)

    torch.testing.assert_close(found.values, torch.tensor([3.0, 2.5]).double(), rtol=1e-6, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("power", [-20, 20])
def test_very_small_and_very_large_entries_keep_their_digits(
    power: int, dtype: torch.dtype
) -> None:
    d = spiked(60, 50).to(dtype) * 10.0**power
    left, values, _ = torch.linalg.svd(d.double())

    found = leading(d, 4)

    norm = float(d.double().norm())
    assert frobenius_norm(d) == pytest.approx(norm, rel=1e-6)
    torch.testing.assert_close(found.values, values[:4], rtol=1e-6, atol=0)
    overlap = (left[:, :4] * found.vectors.double()).sum(dim=0).abs()
    torch.testing.assert_close(overlap, torch.ones(4).double(), rtol=0, atol=1e-5)


@pytest.mark.parametrize("shape", [(300, 200), (200, 300)], ids=str)
def test_the_krylov_method_agrees_with_the_full_decomposition(
    shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    d = spiked(*shape)
    left, values, _ = torch.linalg.svd(d.double())

    monkeypatch.setattr(spectrum, "LARGEST_EXACT", 0)
    found = leading(d, 8)

    torch.testing.assert_close(found.values, values[:8], rtol=1e-5, atol=0)
    overlap = (left[:, :8].mT @ found.vectors.double()).square().sum()
    assert float(overlap) == pytest.approx(8.0, abs=1e-4)
    identity = found.vectors.mT @ found.vectors
    torch.testing.assert_close(identity, torch.eye(8), rtol=0, atol=1e-5)


def test_in_a_flat_bulk_the_krylov_values_are_near_and_never_too_high(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    d = torch.randn(400, 400, generator=torch.Generator().manual_seed(0))
    values = torch.linalg.svdvals(d.double())[:16]

    monkeypatch.setattr(spectrum, "LARGEST_EXACT", 0)
    found = singular_values(d, 16)

    assert bool((found <= values * (1 + 1e-5)).all())
    torch.testing.assert_close(found, values, rtol=2e-2, atol=0)


def test_no_more_values_are_listed_than_there_are() -> None:
    assert len(singular_values(torch.randn(3, 9), 16)) == 3


def test_the_norm_of_many_entries_keeps_its_digits() -> None:
    wide = torch.full((1000, 3000), 0.1)

    assert frobenius_norm(wide) == pytest.approx(0.1 * (3e6**0.5), rel=1e-6)
