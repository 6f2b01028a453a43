"""A model whose words depend on what it has read."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safebasin.models.load import LoadedModel, load_model


@pytest.fixture(scope="module")
def loaded(tiny: Path) -> LoadedModel:
    """With larger weights than it comes with: as it is it repeats itself, whatever it has read.

    In fp64, where no two words are so near that the order of a sum, which differs between
    processors and batches, chooses between them.
    """
    model = load_model(tiny, device=torch.device("cpu"), precision="float32")
    model.model.double()
    for weight in model.model.parameters():
        if weight.ndim == 2:
            weight.mul_(6)
    return model
