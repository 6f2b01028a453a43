from __future__ import annotations

import pytest
import torch
from safebasin.tuning.schedule import rate_at
from safebasin.tuning.training import Training


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("constant", [0.5, 1, 1, 1, 1, 1]),
        ("linear", [0.5, 1, 1, 0.75, 0.5, 0.25]),
        ("step", [0.5, 1, 0.5, 0.5, 0.25, 0.25]),
        ("cosine", [0.5, 1, 1, 0.8535533905932737, 0.5, 0.14644660940672627]),
    ],
)
def test_the_rate_warms_up_and_then_follows_its_curve(schedule: str, expected: list[float]) -> None:
    decay = (0.5, 2) if schedule == "step" else (None, None)
    training = Training(
        learning_rate=1,
        steps=6,
        warmup=2,
        schedule=schedule,  # type: ignore[arg-type]
        decay=decay[0],
        decay_every=decay[1],
    )

    assert [rate_at(training, step) for step in range(6)] == pytest.approx(expected)


def test_the_rate_that_falls_in_steps_is_that_of_pytorch() -> None:
    """As AsFT's authors train: StepLR, by 0.85 after each pass."""
    training = Training(
        learning_rate=5e-5, steps=1250, schedule="step", decay=0.85, decay_every=125
    )
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=5e-5)
    theirs = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.85)
    for epoch in range(10):
        rates = {rate_at(training, step) for step in range(125 * epoch, 125 * (epoch + 1))}
        assert list(rates) == pytest.approx(theirs.get_last_lr(), rel=1e-12)
        optimizer.step()
        theirs.step()
    assert rate_at(training, 1249) == pytest.approx(1.16e-5, rel=2e-3)
