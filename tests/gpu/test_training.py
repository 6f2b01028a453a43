"""Training on a GPU: the CPU's losses, the oracle's penalty, the same bytes after a stop."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import torch
from safebasin.directions.reader import DirectionReader
from safebasin.tuning.objectives.asft import Asft
from safebasin.tuning.objectives.objective import LoraPair
from safebasin.tuning.training import Lora, Training
from safebasin.tuning.tune import tune_adapter
from torch import Tensor
from torch.linalg import matrix_norm

pytestmark = pytest.mark.gpu
TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj"]
SFT = {"type": "sft"}
ASFT = {"type": "asft", "lambda": 0.5}


class Stopped(Exception):
    """Stands for a kill."""


def tuned(
    folder: Path,
    inputs: tuple[Path, Path, Path],
    device: torch.device,
    method: Mapping[str, object],
    *,
    precision: str,
    dropout: float = 0.0,
    stop_after: int | None = None,
) -> dict[str, bytes]:
    """Tune an adapter, or stop in the middle; return the bytes of its files."""
    folder.mkdir(exist_ok=True)
    checkpoint, mixture, direction = inputs
    given: dict[str, Any] = {"precision": precision}

    def watch(step: int) -> None:
        if step == stop_after:
            raise Stopped

    tune_adapter(
        checkpoint,
        mixture,
        direction if method is ASFT else None,
        folder,
        method=method,
        lora=Lora(rank=2, alpha=4, dropout=dropout, targets=TARGETS),
        training=Training(
            learning_rate=1e-2, steps=6, batch_size=4, micro_batch=3, clip=1.0, seed=3, **given
        ),
        device=device,
        watch_of=lambda _: watch,
        save_seconds=0.0 if stop_after else 1e9,
    )
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def inputs(tiny: Path, mixture: Path, direction: Path) -> tuple[Path, Path, Path]:
    return tiny, mixture, direction


@pytest.mark.parametrize("method", [SFT, ASFT], ids=["sft", "asft"])
@pytest.mark.parametrize(("precision", "near"), [("float32", 1e-4), ("bfloat16", 3e-2)])
def test_losses_and_penalties_are_those_of_the_cpu(gpu, inputs, tmp_path, method, precision, near):
    here = tmp_path / "gpu"
    there = tmp_path / "cpu"
    tuned(here, inputs, gpu, method, precision=precision)
    tuned(there, inputs, torch.device("cpu"), method, precision=precision)
    ours, theirs = (pq.read_table(folder / "history.parquet") for folder in (here, there))
    assert ours.column_names == theirs.column_names
    for name in ours.column_names:
        assert ours[name].to_pylist() == pytest.approx(theirs[name].to_pylist(), rel=near, abs=1e-9)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("method", [SFT, ASFT], ids=["sft", "asft"])
def test_a_stopped_run_goes_on_bit_for_bit(gpu, inputs, tmp_path, method, precision):
    given = {"precision": precision, "dropout": 0.2}
    whole = tuned(tmp_path / "whole", inputs, gpu, method, **given)
    again = tuned(tmp_path / "again", inputs, gpu, method, **given)
    with pytest.raises(Stopped):
        tuned(tmp_path / "stopped", inputs, gpu, method, stop_after=4, **given)
    assert (tmp_path / "stopped.state").exists()

    assert again == whole
    assert tuned(tmp_path / "stopped", inputs, gpu, method, **given) == whole


def dense(a: Tensor, b: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The penalty and its gradients by their definition, in fp64 on the CPU."""
    a, b, c = (each.detach().cpu().double() for each in (a, b, c))
    a, b = a.requires_grad_(), b.requires_grad_()
    value = matrix_norm((torch.eye(len(c), dtype=c.dtype) - c) @ b @ a).square()
    return value.detach(), *torch.autograd.grad(value, (a, b))


def test_the_penalty_of_a_bf16_run_is_that_of_the_oracle(gpu, direction):
    """Under autocast too, and in fp32 throughout: to 1e-5 of the oracle in fp64."""
    reader, rng = DirectionReader(direction), torch.Generator().manual_seed(0)
    pairs = [
        LoraPair(
            name=name,
            a=torch.randn(4, reader.shape(name)[1], generator=rng).to(gpu).requires_grad_(),
            b=torch.randn(reader.shape(name)[0], 4, generator=rng).to(gpu).requires_grad_(),
            scale=2.0,
        )
        for name in reader.names()
    ]
    asft = Asft(weight=0.5)
    asft.bind(pairs, reader)
    with torch.autocast("cuda", torch.bfloat16):
        found = asft.add_gradients(0)

    total = 0.0
    for pair in pairs:
        d = reader.read(pair.name).double()
        value, grad_a, grad_b = dense(pair.a, pair.b, d @ d.mT / matrix_norm(d))
        total += float(value)
        for gradient, oracle in ((pair.a.grad, grad_a), (pair.b.grad, grad_b)):
            assert gradient is not None
            assert gradient.dtype == torch.float32
            assert matrix_norm(gradient.cpu().double() - oracle * 0.5) <= 1e-5 * matrix_norm(oracle)
    assert float(found["penalty"]) == pytest.approx(0.5 * total, rel=1e-5)
