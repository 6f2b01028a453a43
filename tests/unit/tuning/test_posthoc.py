"""Safe LoRA: the kernel against the dense formula, and the whole step's domain function."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safebasin.api import anchor_penalty, safe_lora
from safebasin.directions.projectors import build_anchor
from safebasin.errors import DefenceOff, RequestError, StudyError
from safebasin.models.adapter_files import read_pairs, tensor_name, write_adapter
from safebasin.store.writers import write_json, write_safetensors
from safebasin.tuning.posthoc import Alignment, chosen_below, chosen_lowest, measure_alignment
from safebasin.tuning.projection import Choice, project_adapter
from torch import Tensor

NAMES = [f"model.layers.{i}.q_proj.weight" for i in range(4)]


def draw(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def dense_cosine(a: Tensor, b: Tensor, d: Tensor) -> float:
    update = b.double() @ a.double()
    c = d.double() @ d.double().mT / d.double().norm()
    return float(torch.cosine_similarity((c @ update).flatten(), update.flatten(), dim=0))


@pytest.mark.parametrize("shape", [(9, 5), (5, 9), (7, 7)], ids=str)
def test_safe_lora_projects_at_the_cosine_and_not_above(shape: tuple[int, int]) -> None:
    a, b, d = draw(0, 2, shape[1]), draw(1, shape[0], 2), draw(2, *shape)
    cosine = dense_cosine(a, b, d)

    projected = safe_lora(a, b, d, cosine + 1e-5)

    torch.testing.assert_close(projected, d @ (d.mT @ b) / d.norm())
    assert torch.equal(safe_lora(a, b, d, cosine - 1e-5), b)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("shape", [(9, 30), (200, 150), (150, 200)], ids=str)
@pytest.mark.parametrize("scale", [1.0, 1e-6])
def test_an_update_beside_d_has_a_cosine_of_0_and_one_within_it_of_1_at_most(
    shape: tuple[int, int], dtype: torch.dtype, scale: float
) -> None:
    """Whether rounding leans to d or away from it hangs on the processor."""
    left = torch.linalg.qr(draw(0, shape[0], 6).to(dtype)).Q
    d = left[:, :2] @ draw(1, 2, shape[1]).to(dtype) * scale
    a, beside = draw(2, 3, shape[1]).to(dtype), left[:, 2:5]
    within = torch.linalg.eigh(d @ d.mT).eigenvectors[:, -1:] @ draw(3, 1, 3).to(dtype)
    anchor = build_anchor(d, "reference")

    assert measure_alignment(a, beside, anchor).cosine == 0.0
    assert measure_alignment(a, within, anchor).cosine == pytest.approx(1.0, abs=1e-4)
    assert torch.equal(safe_lora(a, within, d, 1.0), anchor.project(within))
    assert not torch.equal(safe_lora(a, beside, d, 0.0), beside)
    mixed = measure_alignment(a, beside + 0.1 * left[:, :1], anchor).cosine
    assert mixed is not None
    assert mixed > 0.01


def test_an_adapter_of_zero_is_left_alone() -> None:
    a, d = draw(0, 2, 5), draw(2, 9, 5)

    assert not safe_lora(a, torch.zeros(9, 2), d, 1.0).any()
    assert float(anchor_penalty(a, torch.zeros(9, 2), d)) == 0.0


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64], ids=str)
def test_the_library_penalty_is_differentiable_in_both_factors(dtype: torch.dtype) -> None:
    a, b, d = draw(0, 2, 5).to(dtype), draw(1, 9, 2).to(dtype), draw(2, 9, 5)
    a, b = a.requires_grad_(), b.requires_grad_()
    d64 = d.double()
    c = d64 @ d64.mT / d64.norm()
    oracle = ((torch.eye(9, dtype=torch.float64) - c) @ b.double() @ a.double()).square().sum()
    grads = torch.autograd.grad(oracle, (a, b))

    value = anchor_penalty(a, b, d)
    value.backward()  # type: ignore[no-untyped-call]

    torch.testing.assert_close(value.double(), oracle, rtol=1e-5, atol=0)
    assert a.grad is not None
    assert b.grad is not None
    torch.testing.assert_close(
        a.grad, grads[0], rtol=2e-2 if dtype is torch.bfloat16 else 1e-4, atol=1e-3
    )
    torch.testing.assert_close(
        b.grad, grads[1], rtol=2e-2 if dtype is torch.bfloat16 else 1e-4, atol=1e-3
    )


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(RequestError, match="do not fit"):
        anchor_penalty(draw(0, 2, 5), draw(1, 9, 2), draw(2, 5, 9))


def test_the_lowest_are_chosen_once_each_and_zero_never() -> None:
    cosines = [0.9, None, 0.2, 0.4, 0.2]
    found = [Alignment(cosine=c, norm=1.0, projected_norm=1.0) for c in cosines]

    assert chosen_below(found, 0.4) == [2, 3, 4]
    assert chosen_lowest(found, 3) == [2, 3, 4]
    assert chosen_lowest(found, 1) == [2]
    assert chosen_lowest(found, 9) == [0, 2, 3, 4]


def adapter(folder: Path, zero: bool = False) -> Path:
    folder.mkdir()
    tensors = {}
    for i, name in enumerate(NAMES):
        tensors[tensor_name(name, "A")] = draw(i, 2, 8)
        tensors[tensor_name(name, "B")] = draw(10 + i, 6, 2) * (0.0 if zero else 1.0)
    config = {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": ["q_proj"]}
    write_adapter(folder, config, tensors)
    return folder


def direction(folder: Path, names: list[str] = NAMES) -> Path:
    folder.mkdir()
    content = {name: draw(20 + i, 6, 8) for i, name in enumerate(names)}
    write_safetensors(folder / "direction.safetensors", content)
    write_json(folder / "direction.json", {"zero": "refuse", "zero_matrices": []})
    return folder


@pytest.mark.parametrize("count", [1, 2, 4])
def test_a_number_of_matrices_are_ranked_first_and_projected_once(
    tmp_path: Path, count: int
) -> None:
    source, anchor = adapter(tmp_path / "a"), direction(tmp_path / "d")
    before = {pair.name: pair for pair in read_pairs(source)}
    d = {name: draw(20 + i, 6, 8) for i, name in enumerate(NAMES)}
    cosines = {name: dense_cosine(before[name].a, before[name].b, d[name]) for name in NAMES}
    lowest = set(sorted(NAMES, key=lambda name: cosines[name])[:count])
    (tmp_path / "out").mkdir()

    project_adapter(source, anchor, tmp_path / "out", Choice(matrices=count))

    kept = 0.0
    for pair in read_pairs(tmp_path / "out"):
        b, direction_ = before[pair.name].b, d[pair.name]
        once = direction_ @ (direction_.mT @ b) / direction_.norm()
        torch.testing.assert_close(pair.b, once if pair.name in lowest else b)
        assert torch.equal(pair.a, before[pair.name].a)
        kept += float((pair.b @ pair.a).double().norm()) ** 2
    activity = json.loads((tmp_path / "out" / "activity.json").read_text())
    assert activity["projected_matrices"] == count
    assert {u["matrix"] for u in activity["updates"] if u["projected"]} == lowest
    assert activity["norm_kept"] * activity["norm_ba"] == pytest.approx(kept**0.5, rel=1e-5)
    for update in activity["updates"]:
        assert update["cosine"] == pytest.approx(cosines[update["matrix"]], abs=1e-5)


def test_a_threshold_that_nothing_falls_below_says_so(tmp_path: Path) -> None:
    source = adapter(tmp_path / "a")
    (tmp_path / "out").mkdir()

    project_adapter(source, direction(tmp_path / "d"), tmp_path / "out", Choice(threshold=0.0))

    activity = json.loads((tmp_path / "out" / "activity.json").read_text())
    assert activity["projected_matrices"] == 0
    assert "no update was projected: every cosine is above the threshold 0.0" in activity["note"]
    assert activity["norm_kept"] == 1.0
    name = "adapter_model.safetensors"
    assert (tmp_path / "out" / name).read_bytes() == (source / name).read_bytes()


def test_an_update_without_a_direction_means_the_defence_is_off(tmp_path: Path) -> None:
    with pytest.raises(DefenceOff, match=NAMES[3]):
        project_adapter(
            adapter(tmp_path / "a"),
            direction(tmp_path / "d", NAMES[:3]),
            tmp_path,
            Choice(matrices=1),
        )


def test_an_empty_adapter_means_the_defence_is_off(tmp_path: Path) -> None:
    with pytest.raises(DefenceOff, match="nothing to project"):
        project_adapter(
            adapter(tmp_path / "a", zero=True),
            direction(tmp_path / "d"),
            tmp_path,
            Choice(matrices=1),
        )


def test_more_matrices_than_there_are_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="5 matrices are asked for, the adapter has 4"):
        project_adapter(
            adapter(tmp_path / "a"), direction(tmp_path / "d"), tmp_path, Choice(matrices=5)
        )


@pytest.mark.parametrize(
    "settings", [{}, {"threshold": 0.5, "matrices": 1}, {"threshold": 1.5}, {"matrices": 0}]
)
def test_a_choice_that_cannot_be_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(StudyError, match="project:"):
        Choice(**settings)
