"""A model whose words depend on what it has read."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safebasin.models.load import LoadedModel, load_model


@pytest.fixture(scope="module")
def loaded(tiny: Path) -> LoadedModel:
    """With larger weights than it comes with: as it is it repeats itself, whatever it has read."""
    model = load_model(tiny, device=torch.device("cpu"), precision="float32")
    for weight in model.model.parameters():
        if weight.ndim == 2:
            weight.mul_(6)
    return model
