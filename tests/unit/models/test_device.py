from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from unittest.mock import MagicMock

import pytest
import torch
from safebasin.errors import MachineLacks, RequestError
from safebasin.models.device import (
    choose_device,
    forbid_unrepeatable_kernels,
    is_spread,
    prefer_repeatable_kernels,
    seeded,
)
from safebasin.store.code_identity import PACKAGE

ON_A_DEVICE = sorted(
    path.stem for path in (PACKAGE / "steps").glob("*.py") if "choose_device" in path.read_text()
)
"""The steps that run a model."""


def test_cuda_is_never_silently_replaced_by_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    with pytest.raises(MachineLacks, match="device: cpu"):
        choose_device("cuda")
    assert choose_device("auto") == torch.device("cpu")


@pytest.mark.parametrize("wanted", ["gpu", "cuda:x", ""])
def test_an_unknown_device_is_refused(wanted: str) -> None:
    with pytest.raises(RequestError, match="auto, cpu, cuda"):
        choose_device(wanted)


def test_all_gpus_are_a_device_of_their_own_and_never_guessed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(MachineLacks, match="cuda:all"):
        choose_device("cuda:all")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)

    assert is_spread(choose_device("cuda:all"))
    assert not any(is_spread(choose_device(one)) for one in ("auto", "cuda", "cuda:1", "cpu"))
    with pytest.raises(MachineLacks, match=r"2 CUDA device\(s\) are visible"):
        choose_device("cuda:2")


def test_seeding_repeats_draws_and_leaves_the_global_state_as_it_was() -> None:
    before = torch.get_rng_state()
    draws = []
    for _ in range(2):
        with seeded(3):
            draws.append(torch.rand(4))

    assert draws[0].equal(draws[1])
    assert torch.get_rng_state().equal(before)


@pytest.fixture
def kernels_as_they_were() -> Iterator[None]:
    """Let other tests compute as before."""
    before = torch.are_deterministic_algorithms_enabled()
    warns = torch.is_deterministic_algorithms_warn_only_enabled()
    torch.backends.cuda.enable_cudnn_sdp(True)
    yield
    torch.use_deterministic_algorithms(before, warn_only=warns)
    torch.backends.cuda.enable_cudnn_sdp(True)


class DeviceChosenError(Exception):
    """Stands for all that a step does with a device."""


def test_every_step_that_may_run_a_model_is_looked_at() -> None:
    assert len(ON_A_DEVICE) == 7
    for path in sorted((PACKAGE / "steps").glob("*.py")):
        loads = "load_model" in path.read_text() or "tune_" in path.read_text()
        assert not loads or path.stem in ON_A_DEVICE, path.stem


@pytest.mark.parametrize("name", ON_A_DEVICE)
def test_no_step_lets_cudnn_compute_attention(
    name: str, monkeypatch: pytest.MonkeyPatch, kernels_as_they_were: None
) -> None:
    step = import_module(f"safebasin.steps.{name}")
    chosen: list[bool] = []

    def choose(*_: object) -> None:
        chosen.append(torch.backends.cuda.cudnn_sdp_enabled())
        raise DeviceChosenError

    for each, value in vars(step).items():  # nothing but the order of things is tried
        if callable(value) and each not in ("run", "prefer_repeatable_kernels"):
            monkeypatch.setattr(step, each, MagicMock())
    monkeypatch.setattr(step, "choose_device", choose)
    assert torch.backends.cuda.cudnn_sdp_enabled()
    with pytest.raises(DeviceChosenError):
        step.run(MagicMock())
    assert chosen == [False]


def test_training_lets_cudnn_compute_attention_no_more_than_generating(
    kernels_as_they_were: None,
) -> None:
    prefer_repeatable_kernels()
    forbid_unrepeatable_kernels()
    assert not torch.backends.cuda.cudnn_sdp_enabled()
    assert torch.backends.cuda.flash_sdp_enabled()
    assert torch.backends.cuda.mem_efficient_sdp_enabled()
    assert torch.backends.cuda.math_sdp_enabled()
