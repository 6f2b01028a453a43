"""Every form of every projector, against the definition in fp64."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safebasin.directions.projectors import (
    PROJECTORS,
    Anchor,
    AnchorStack,
    DenseAnchor,
    FactoredAnchor,
    build_anchor,
)
from safebasin.directions.spectrum import leading
from safebasin.errors import StudyError
from torch import Tensor

from ...draws import few


def matrix(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def dense(direction: Tensor, projector: str, rank: int | None) -> Tensor:
    """C by its printed definition."""
    gram = direction @ direction.mT
    c: Tensor = gram / torch.linalg.matrix_norm(direction)
    if projector == "none":
        c = torch.zeros_like(gram)
    if projector == "reference_scaled":
        c = c / torch.linalg.eigvalsh(c)[-1]
    if projector == "exact":
        c = direction @ torch.linalg.inv(direction.mT @ direction) @ direction.mT
    if projector == "spectral":
        assert rank is not None
        top = torch.linalg.eigh(gram).eigenvectors[:, -rank:]
        c = top @ top.mT
    return c


@pytest.mark.parametrize("projector", PROJECTORS)
@pytest.mark.parametrize("shape", [(12, 7), (7, 12), (9, 9)], ids=str)
@few(15)
@given(seed=st.integers(0, 2**32 - 1), power=st.integers(-4, 2))
def test_the_anchor_is_the_printed_definition(
    projector: str, shape: tuple[int, int], seed: int, power: int
) -> None:
    if projector == "exact" and shape[0] <= shape[1]:
        return
    d = matrix(seed, *shape) * 10.0**power
    b = matrix(seed + 1, shape[0], 3)
    rank = 2 if projector == "spectral" else None

    anchor = build_anchor(d, projector, rank)

    c = dense(d, projector, rank)
    bound = 1e-9 * (1 + torch.linalg.matrix_norm(c)) * torch.linalg.matrix_norm(b)
    torch.testing.assert_close(anchor.project(b), c @ b, rtol=0, atol=float(bound))
    torch.testing.assert_close(anchor.apply(b), b - c @ b, rtol=0, atol=float(bound))


@given(seed=st.integers(0, 2**32 - 1), rows=st.integers(1, 20), cols=st.integers(1, 20))
def test_the_dense_and_the_factored_form_are_equal(seed: int, rows: int, cols: int) -> None:
    d, b = matrix(seed, rows, cols), matrix(seed + 1, rows, 4)
    weight = 1.0 / float(torch.linalg.matrix_norm(d))
    forms: list[Anchor] = [DenseAnchor(d @ d.mT * weight), FactoredAnchor(d * weight**0.5)]

    results = [form.apply(b) for form in forms]

    bound = 1e-12 * (1 + rows * cols) * float(torch.linalg.matrix_norm(b))
    torch.testing.assert_close(results[0], results[1], rtol=0, atol=bound)


@pytest.mark.parametrize("room", [3, 5])
@pytest.mark.parametrize("shape", [(12, 7), (7, 12)], ids=str)
def test_a_stack_of_anchors_acts_like_its_members(shape: tuple[int, int], room: int) -> None:
    directions = [matrix(seed, *shape) for seed in range(3)]
    anchors = [build_anchor(d, "reference") for d in directions]
    b = matrix(9, 3, shape[0], 2)

    stack = AnchorStack(anchors[0], room)
    for anchor in anchors:
        assert not stack.is_full
        stack.add(anchor)
    stacked = stack.anchor()

    assert [len(part) for part in stacked.parts()] == [3]  # what had no anchor is given back
    assert [part.untyped_storage().nbytes() for part in stacked.parts()] == [
        sum(part.untyped_storage().nbytes() for anchor in anchors for part in anchor.parts())
    ]
    for index, anchor in enumerate(anchors):
        torch.testing.assert_close(stacked.apply(b)[index], anchor.apply(b[index]))
        torch.testing.assert_close(stacked.project(b)[index], anchor.project(b[index]))


@pytest.mark.parametrize("projector", ["spectral", "exact"])
def test_a_true_projector_is_idempotent(projector: str) -> None:
    anchor = build_anchor(matrix(0, 12, 7), projector, 3 if projector == "spectral" else None)
    b = matrix(1, 12, 4)

    once = anchor.project(b)

    torch.testing.assert_close(anchor.project(once), once)
    assert float(once.norm()) > 0.1


def test_exact_is_refused_with_the_reason_where_d_has_full_row_rank() -> None:
    with pytest.raises(StudyError, match=r"q_proj.*full row rank 7.*identity.*spectral"):
        build_anchor(matrix(0, 7, 12), "exact", name="q_proj")


def test_exact_takes_a_wide_d_that_lacks_row_rank() -> None:
    d = matrix(0, 7, 2) @ matrix(1, 2, 12)

    anchor = build_anchor(d, "exact")

    torch.testing.assert_close(anchor.project(d), d)


def test_spectral_is_refused_where_d_has_fewer_directions() -> None:
    with pytest.raises(StudyError, match="only 2 directions"):
        build_anchor(matrix(0, 7, 2) @ matrix(1, 2, 12), "spectral", 3)


def of_values(values: list[float], rows: int, columns: int, seed: int) -> Tensor:
    """A matrix with these singular values and random singular vectors, fp64."""
    size = len(values)
    left = torch.linalg.qr(matrix(seed, rows, size)).Q
    right = torch.linalg.qr(matrix(seed + 1, columns, size)).Q
    made: Tensor = (left * torch.tensor(values, dtype=torch.float64)) @ right.mT
    return made


ORDERS = {
    "as it is": lambda d: d,
    "columns reversed": lambda d: d.flip(1),
    "rows reversed": lambda d: d.flip(0),
    "in columns": lambda d: d.mT.contiguous().mT,
    "turned by a rotation": lambda d: (
        d @ torch.linalg.qr(matrix(9, d.shape[1], d.shape[1])).Q.to(d)
    ),
}
"""Ways to sum in another order, as another processor does."""
RANKS = {  # singular values, entries rounded to, rank
    "exactly of rank 3": ([3.0, 2.0, 1.0], torch.float64, 3),
    "exactly of rank 3, in fp32": ([3.0, 2.0, 1.0], torch.float32, 3),
    "of rank 1": ([1.0], torch.float64, 1),
    "of rank 1, in fp32": ([1.0], torch.float32, 1),
    "one a hundred thousandth": ([1.0, 0.5, 1e-5], torch.float64, 3),
    "at fp32's rounding": ([1.0, 0.5, 3e-8], torch.float64, 3),
    "at fp32's rounding, in fp32": ([1.0, 0.5, 3e-8], torch.float32, 2),
    "below the root of fp64's rounding": ([1.0, 0.5, 1e-9], torch.float64, 3),
    "below the root of fp64's rounding, in fp32": ([1.0, 0.5, 1e-9], torch.float32, 2),
    "nearly of rank 2": ([1.0, 0.5, 1e-11], torch.float64, 3),
    "rounding in fp64 too": ([1.0, 0.5, 1e-13], torch.float64, 2),
    "falling by thousands": ([1.0, 1e-3, 1e-6, 1e-9], torch.float64, 4),
    "falling by thousands, in fp32": ([1.0, 1e-3, 1e-8, 1e-9], torch.float32, 2),
}


@pytest.mark.parametrize("case", RANKS)
@pytest.mark.parametrize("shape", [(40, 9), (9, 40), (24, 24), (300, 200)], ids=str)
def test_the_rank_that_spectral_takes_hangs_on_no_order_of_summing(
    shape: tuple[int, int], case: str
) -> None:
    values, dtype, rank = RANKS[case]
    for scale in (1.0, 1e-20, 1e20):
        d = (of_values(values, *shape, seed=3) * scale).to(dtype)
        for turn in ORDERS.values():
            turned = turn(d)
            anchor = build_anchor(turned, "spectral", rank)
            once = anchor.project(matrix(5, shape[0], 2).to(dtype))
            torch.testing.assert_close(anchor.project(once), once, rtol=0, atol=1e-5)
            with pytest.raises(StudyError, match=f"only {rank} directions"):
                build_anchor(turned, "spectral", rank + 1)


@pytest.mark.parametrize("origin", [torch.float32, torch.bfloat16], ids=str)
def test_a_direction_has_one_rank_whatever_number_type_carries_it(origin: torch.dtype) -> None:
    d = of_values([1.0, 0.5], 30, 20, seed=3).to(origin)

    ranks = [len(leading(d.to(carried), 20).values) for carried in (torch.float32, torch.float64)]

    assert ranks == ([2, 2] if origin == torch.float32 else [20, 20])  # bf16's rounding is in d


def test_spectral_is_refused_where_equal_singular_values_leave_the_choice_to_the_processor() -> (
    None
):
    d = of_values([2.0, 1.0, 1.0, 0.5], 9, 12, seed=0)

    with pytest.raises(StudyError, match=r"q_proj.*singular values 2 and 3 are equal"):
        build_anchor(d, "spectral", 2, name="q_proj")
    for rank in (1, 3, 4):
        build_anchor(d, "spectral", rank)


@pytest.mark.parametrize("power", [-20, 20])
@pytest.mark.parametrize("projector", ["reference", "reference_scaled", "spectral", "exact"])
@pytest.mark.parametrize("shape", [(12, 7), (7, 12)], ids=str)
def test_a_direction_of_very_small_or_large_entries_is_anchored_in_fp32_as_well(
    shape: tuple[int, int], projector: str, power: int
) -> None:
    if projector == "exact" and shape[0] < shape[1]:
        return
    d, b = matrix(0, *shape) * 10.0**power, matrix(1, shape[0], 3)
    rank = 2 if projector == "spectral" else None

    inside = build_anchor(d.float(), projector, rank).project(b.float()).double()

    wanted = dense(d, projector, rank) @ b
    torch.testing.assert_close(inside, wanted, rtol=0, atol=1e-5 * float(wanted.norm()))


@pytest.mark.parametrize(
    ("projector", "rank"),
    [("spectral", None), ("spectral", 0), ("reference", 4), ("none", 1), ("svd", None)],
)
def test_a_projector_and_a_rank_that_do_not_go_together_are_refused(
    projector: str, rank: int | None
) -> None:
    with pytest.raises(StudyError, match=r"rank|projector"):
        build_anchor(matrix(0, 7, 5), projector, rank)


def test_a_direction_of_zero_has_no_anchor() -> None:
    with pytest.raises(StudyError, match="d = 0"):
        build_anchor(torch.zeros(4, 4), "reference")
