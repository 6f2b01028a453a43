from __future__ import annotations

import torch
from safebasin.tuning.loop import read_figures


def test_figures_on_a_device_and_plain_ones_are_read_in_their_order() -> None:
    third = torch.tensor(1 / 3)
    figures = [0.5, third, 2, torch.tensor(7.0, dtype=torch.float64)]

    assert read_figures(figures) == [0.5, float(third), 2, 7.0]
    assert read_figures([]) == []
