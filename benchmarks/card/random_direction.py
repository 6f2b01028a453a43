"""A direction of random matrices, drawn where they are needed: no file of many GB is read."""

from __future__ import annotations

from collections.abc import Sequence
from zlib import crc32

import torch
from safebasin.tuning.objectives.objective import LoraPair
from torch import Tensor


class RandomDirection:
    """Stands for a ``DirectionReader``; the same matrix each time."""

    zero = "refuse"

    def __init__(self, pairs: Sequence[LoraPair]) -> None:
        """Have a matrix for each pair, of its shape and on its device."""
        self._pairs = {pair.name: pair for pair in pairs}

    def names(self) -> list[str]:
        """Return the matrices' names, sorted."""
        return sorted(self._pairs)

    def shape(self, name: str) -> tuple[int, int]:
        """Return (d_out, d_in)."""
        pair = self._pairs[name]
        return pair.b.shape[0], pair.a.shape[1]

    def read(self, name: str) -> Tensor:
        """Return d, fp32."""
        device = self._pairs[name].b.device
        generator = torch.Generator(device).manual_seed(crc32(name.encode()))
        return torch.randn(*self.shape(name), device=device, generator=generator).mul_(7e-4)
