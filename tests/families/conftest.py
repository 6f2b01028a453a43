"""One pair of a family, converted as a study would convert it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
import torch
from safebasin.models.convert import convert_checkpoint
from safebasin.models.load import LoadedModel, load_model
from safebasin.models.targets import linear_layers, names_it

from .pairs import FAMILIES, FIRST, Family, write_pair


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A pair on disk, and its aligned model by the plain library and by ours."""

    family: Family
    home: Path

    @cached_property
    def plain(self) -> tuple[Any, Any]:
        """Base and aligned, as the library loads what was published, in fp32."""
        from transformers import AutoModelForCausalLM

        return tuple(
            AutoModelForCausalLM.from_pretrained(str(self.home / name), dtype=torch.float32).eval()
            for name in ("base", "chat")
        )  # type: ignore[return-value]

    @cached_property
    def loaded(self) -> LoadedModel:
        return load_model(self.converted("chat"), device=torch.device("cpu"), precision="float32")

    def converted(self, name: str) -> Path:
        folder = self.home / f"converted-{name}"
        if not folder.exists():
            convert_checkpoint(
                self.home / name, folder, form="safetensors", file=None, dtype=None, tiny=None
            )
        return folder

    def targeted(self) -> list[str]:
        """The matrices that the family's targets name, by the model's own modules."""
        return sorted(
            f"{name}.weight"
            for name in linear_layers(self.plain[1])
            if any(names_it(target, name) for target in self.family.targets)
        )


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(name, marks=[] if name in FIRST else [pytest.mark.more]) for name in FAMILIES
    ],
)
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    family = FAMILIES[request.param]
    home = tmp_path_factory.mktemp("pair")
    write_pair(family, home)
    return Pair(family=family, home=home)
