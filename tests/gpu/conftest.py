"""What the tests on a GPU share; without CUDA each is skipped, with the reason."""

from __future__ import annotations

import os
import sys

os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when CUDA starts

from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))  # what a GPU is measured with

import pytest
import torch
from safebasin.models.device import prefer_repeatable_kernels

from ..tiny_checkpoint import tiny
from ..unit.tuning.conftest import mixture

__all__ = ["mixture", "tiny"]


@pytest.fixture(scope="session", autouse=True)
def gpu() -> torch.device:
    """The first GPU."""
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device is visible")
    return torch.device("cuda", 0)


@pytest.fixture(autouse=True)
def kernels(gpu: torch.device) -> None:
    """Choose kernels as a job's process does at its start: training forbids some that are left."""
    prefer_repeatable_kernels()


@pytest.fixture(scope="session")
def direction(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The direction from one random model to another, for every linear layer of attention."""
    from safebasin.directions.extract import Extraction, extract_direction
    from safebasin.models.tiny import TinyLlama, write_tiny_llama

    root = tmp_path_factory.mktemp("pair")
    size = TinyLlama(hidden=32, layers=2, heads=4, vocabulary=320, seed=2)
    for folder in (root / "other", root / "direction"):
        folder.mkdir()
    write_tiny_llama(size, "float32", root / "other")
    targets = ["q_proj", "k_proj", "v_proj", "o_proj"]
    extract_direction(root / "other", tiny, root / "direction", Extraction(targets=targets))
    return root / "direction"
