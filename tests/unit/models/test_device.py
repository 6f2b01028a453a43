from __future__ import annotations

import pytest
import torch
from safebasin.errors import MachineLacks, RequestError
from safebasin.models.device import choose_device, is_spread, seeded


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
