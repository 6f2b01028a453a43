"""The penalty against its dense definition in fp64, for value and gradients."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safebasin.directions.projectors import Anchor, DenseAnchor, FactoredAnchor, NoAnchor
from safebasin.tuning.penalty import (
    AnchoredPenalty,
    Penalty,
    anchored_penalty,
    by_factors,
    by_traces,
)
from torch import Tensor
from torch.linalg import matrix_norm

from ...draws import few

FORMS = ("dense", "factored", "none")
Compute = Callable[[Tensor, Tensor, Anchor], Penalty]
every_way = pytest.mark.parametrize("compute", [by_factors, by_traces])
"""On the CPU and on CUDA; both can be had on the CPU."""


@st.composite
def anchored_pairs(draw: st.DrawFn) -> tuple[Tensor, Tensor, Tensor]:
    """A (r, d_in), B (d_out, r), d (d_out, d_in) scaled: fp64, any shape and scale."""
    d_out, d_in, r = (draw(st.integers(1, most)) for most in (24, 24, 8))
    rng = torch.Generator().manual_seed(draw(st.integers(0, 2**32 - 1)))
    shapes = (r, d_in), (d_out, r), (d_out, d_in)
    a, b, d = (torch.randn(*shape, generator=rng, dtype=torch.float64) for shape in shapes)
    return a, b, d * (10.0 ** draw(st.integers(-4, 1)) / matrix_norm(d)) ** 0.5


def anchor_of(factor: Tensor, form: str) -> tuple[Anchor, Tensor]:
    """An anchor and its C."""
    if form == "none":
        return NoAnchor(), torch.zeros(len(factor), len(factor), dtype=factor.dtype)
    c = factor @ factor.mT
    return (DenseAnchor(c) if form == "dense" else FactoredAnchor(factor)), c


@every_way
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize("form", FORMS)
@given(pair=anchored_pairs())
def test_value_and_gradients_are_those_of_the_dense_definition(
    compute: Compute, dtype: torch.dtype, form: str, pair: tuple[Tensor, Tensor, Tensor]
) -> None:
    a, b, factor = (x.to(dtype).double() for x in pair)
    _anchor, c = anchor_of(factor, form)
    complement = torch.eye(len(b), dtype=torch.float64) - c
    a, b = a.requires_grad_(), b.requires_grad_()
    oracle = matrix_norm(complement @ b @ a).square()
    grad_a, grad_b = torch.autograd.grad(oracle, (a, b))

    with torch.no_grad():
        penalty = compute(a.to(dtype), b.to(dtype), anchor_of(factor.to(dtype), form)[0])

    # Rounding scales with the product of norms, not with the value.
    size = (1 + matrix_norm(factor).square().item()) ** 2
    bound = 64 * torch.finfo(dtype).eps * size
    norm_a, norm_b = matrix_norm(a).item(), matrix_norm(b).item()
    close = torch.testing.assert_close
    close(penalty.value.double(), oracle, rtol=0, atol=bound * norm_a**2 * norm_b**2)
    close(penalty.grad_a.double(), grad_a, rtol=0, atol=bound * norm_a * norm_b**2)
    close(penalty.grad_b.double(), grad_b, rtol=0, atol=bound * norm_a**2 * norm_b)
    assert penalty.value >= 0


@pytest.mark.parametrize("form", FORMS)
@few(20)
@given(pair=anchored_pairs())
def test_the_gradients_agree_with_finite_differences(
    form: str, pair: tuple[Tensor, Tensor, Tensor]
) -> None:
    a, b, factor = pair
    anchor, _ = anchor_of(factor, form)
    penalty = anchored_penalty(a, b, anchor)
    step_a, step_b = torch.randn_like(a), torch.randn_like(b)

    h = 1e-5
    ahead = anchored_penalty(a + h * step_a, b + h * step_b, anchor).value
    behind = anchored_penalty(a - h * step_a, b - h * step_b, anchor).value
    slope = (penalty.grad_a * step_a).sum() + (penalty.grad_b * step_b).sum()

    size = float((1 + matrix_norm(factor) ** 2) ** 2)
    size *= float((matrix_norm(a) + matrix_norm(step_a)) * (matrix_norm(b) + matrix_norm(step_b)))
    torch.testing.assert_close((ahead - behind) / (2 * h), slope, rtol=0, atol=1e-7 * size**2)


@every_way
@pytest.mark.parametrize("gap", [1e-2, 1e-3, 1e-4])
def test_the_value_keeps_its_digits_where_b_and_a_nearly_annihilate(
    compute: Compute, gap: float
) -> None:
    rng = torch.Generator().manual_seed(0)
    row = torch.randn(1, 64, generator=rng)
    a = torch.cat([row, -row]) + gap * torch.randn(2, 64, generator=rng)
    column = torch.randn(48, 1, generator=rng)
    b = torch.cat([column, column], dim=1) + gap * torch.randn(48, 2, generator=rng)
    oracle = float(matrix_norm(b.double() @ a.double()).square())

    value = float(compute(a, b, NoAnchor()).value)
    trace = float(((b.mT @ b) * (a @ a.mT)).sum())

    assert value == pytest.approx(oracle, rel=2e-6 / gap)
    assert abs(trace - oracle) > abs(value - oracle)  # the form that is not used


@few(40)
@given(pair=anchored_pairs(), scale=st.floats(2**-6, 2**6))
def test_only_the_product_counts_not_its_factors(
    pair: tuple[Tensor, Tensor, Tensor], scale: float
) -> None:
    a, b, factor = pair
    same_update = anchored_penalty(a / scale, b * scale, FactoredAnchor(factor))
    here = anchored_penalty(a, b, FactoredAnchor(factor))
    torch.testing.assert_close(same_update.value, here.value, rtol=1e-9, atol=1e-12)


def test_a_batch_is_its_members() -> None:
    rng = torch.Generator().manual_seed(0)
    a, b, d = (torch.randn(3, *s, generator=rng) for s in ((2, 7), (9, 2), (9, 4)))

    batch = anchored_penalty(a, b, FactoredAnchor(d * 0.3))

    for i in range(3):
        single = anchored_penalty(a[i], b[i], FactoredAnchor(d[i] * 0.3))
        torch.testing.assert_close(batch.value[i], single.value)
        torch.testing.assert_close(batch.grad_a[i], single.grad_a)
        torch.testing.assert_close(batch.grad_b[i], single.grad_b)


def test_b_of_zero_has_no_penalty_and_no_gradient() -> None:
    penalty = anchored_penalty(torch.randn(2, 7), torch.zeros(9, 2), NoAnchor())

    assert float(penalty.value) == 0.0
    assert not penalty.grad_a.any()
    assert not penalty.grad_b.any()


def test_autograd_gets_the_closed_form_times_what_comes_from_above() -> None:
    a = torch.randn(2, 7, dtype=torch.float64, requires_grad=True)
    b = torch.randn(9, 2, dtype=torch.float64, requires_grad=True)
    anchor = FactoredAnchor(torch.randn(9, 3, dtype=torch.float64) * 0.3)

    def loss(a: Tensor, b: Tensor) -> Tensor:
        value: Tensor = AnchoredPenalty.apply(a, b, anchor)  # type: ignore[no-untyped-call]
        return value.sin()

    assert torch.autograd.gradcheck(loss, (a, b))


def test_shapes_that_do_not_chain_are_refused() -> None:
    with pytest.raises(ValueError, match="do not chain"):
        anchored_penalty(torch.zeros(2, 7), torch.zeros(9, 3), NoAnchor())


def test_a_small_case_has_the_value_worked_out_by_hand() -> None:
    # d = diag(3, 4): ||d|| = 5, C = diag(9, 16)/5 = diag(1.8, 3.2), I - C = diag(-0.8, -2.2).
    # B = (1, 2)^T, A = (1, 0): B A = [[1, 0], [2, 0]], (I - C) B A = [[-0.8, 0], [-4.4, 0]],
    # R = 0.64 + 19.36 = 20. dR/dB = 2 (I-C)^2 B (A A^T) = 2 (0.64, 9.68) = (1.28, 19.36).
    d = torch.diag(torch.tensor([3.0, 4.0]))
    anchor = DenseAnchor(d @ d.mT / 5)

    penalty = anchored_penalty(torch.tensor([[1.0, 0.0]]), torch.tensor([[1.0], [2.0]]), anchor)

    torch.testing.assert_close(penalty.value, torch.tensor(20.0))
    torch.testing.assert_close(penalty.grad_b, torch.tensor([[1.28], [19.36]]))
    torch.testing.assert_close(penalty.grad_a, torch.tensor([[40.0, 0.0]]))


def test_autocast_does_not_take_the_products_in_low_precision() -> None:
    rng = torch.Generator().manual_seed(0)
    a, b, d = (torch.randn(*s, generator=rng) for s in ((2, 7), (9, 2), (9, 4)))
    plain = anchored_penalty(a, b, FactoredAnchor(d * 0.3))

    with torch.autocast("cpu", torch.bfloat16):
        penalty = anchored_penalty(a, b, FactoredAnchor(d * 0.3))

    assert torch.equal(penalty.value, plain.value)
    assert torch.equal(penalty.grad_a, plain.grad_a)
    assert torch.equal(penalty.grad_b, plain.grad_b)
