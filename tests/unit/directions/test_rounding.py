"""One checkpoint in two precisions is no pair, however it is stored."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safebasin.directions.extract import Extraction, extract_direction
from safebasin.errors import StudyError
from safebasin.store.writers import write_safetensors
from torch import Tensor

NAMES = ("model.layers.0.mlp.up_proj.weight", "model.layers.1.mlp.up_proj.weight")
KINDS = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}


def weights(noise: float = 0.0) -> dict[str, Tensor]:
    draw = torch.Generator().manual_seed(0)
    plain = {name: torch.randn(24, 16, generator=draw) * 0.02 for name in NAMES}
    return {
        name: weight + noise * torch.randn(24, 16, generator=draw) for name, weight in plain.items()
    }


def extract(folder: Path, aligned: dict[str, Tensor], base: dict[str, Tensor]) -> None:
    for role, tensors in (("aligned", aligned), ("base", base)):
        (folder / role).mkdir()
        write_safetensors(folder / role / "model.safetensors", tensors)
    (folder / "out").mkdir()
    extract_direction(
        folder / "aligned", folder / "base", folder / "out", Extraction(targets=["up_proj"])
    )


def as_kind(tensors: dict[str, Tensor], kind: str) -> dict[str, Tensor]:
    """The tensors rounded to a type; ``bf16 as fp32`` is rounded and stored in fp32 again."""
    rounded, _, stored = kind.partition(" as ")
    return {
        name: tensor.to(KINDS[rounded]).to(KINDS[stored or rounded])
        for name, tensor in tensors.items()
    }


@pytest.mark.parametrize(
    "kinds",
    [
        ("bf16", "fp32"),
        ("fp32", "bf16"),
        ("fp16", "fp32"),
        ("fp16", "bf16"),
        ("bf16", "fp16"),
        ("bf16 as fp32", "fp32"),
        ("fp32", "fp16 as fp32"),
    ],
    ids=str,
)
def test_the_same_weights_in_two_types_are_refused(kinds: tuple[str, str], tmp_path: Path) -> None:
    one, other = (as_kind(weights(), kind) for kind in kinds)

    with pytest.raises(StudyError, match="same weights in two precisions: in all 2 matrices"):
        extract(tmp_path, one, other)


@pytest.mark.parametrize("kinds", [("bf16", "bf16"), ("bf16 as fp32", "bf16")], ids=str)
def test_the_same_weights_in_one_type_are_refused_as_equal(
    kinds: tuple[str, str], tmp_path: Path
) -> None:
    one, other = (as_kind(weights(), kind) for kind in kinds)

    with pytest.raises(StudyError, match="there is no direction"):
        extract(tmp_path, one, other)


@pytest.mark.parametrize("kinds", [("bf16", "fp32"), ("fp16", "bf16"), ("fp32", "fp32")], ids=str)
def test_a_pair_of_two_types_that_was_trained_is_taken(
    kinds: tuple[str, str], tmp_path: Path
) -> None:
    extract(tmp_path, as_kind(weights(1e-3), kinds[0]), as_kind(weights(), kinds[1]))


def test_the_smallest_changes_within_one_type_are_a_direction(tmp_path: Path) -> None:
    base = as_kind(weights(), "bf16")
    aligned = {name: (one.view(torch.int16) + 1).view(torch.bfloat16) for name, one in base.items()}

    extract(tmp_path, aligned, base)


def test_one_matrix_that_was_trained_is_enough(tmp_path: Path) -> None:
    aligned = as_kind(weights(), "bf16")
    aligned[NAMES[1]] = aligned[NAMES[1]] * 1.5

    extract(tmp_path, aligned, weights())
