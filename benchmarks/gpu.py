"""Training, extraction and generation on a GPU, at the shape of Llama-2-7B.

    python benchmarks/gpu.py [--folder /scratch] [--rounds 2] [--steps 12]
    python benchmarks/gpu.py --shape tiny

A pair of checkpoints with random weights is written to ``--folder`` (27 GB); no weights are
fetched. Without CUDA nothing is measured; the tiny shape goes the same way on any machine, and its
figures, which are printed only, mean nothing. Step times are medians, each step ended by a
synchronisation, the first ones of a run left out; the methods take turns, ``--rounds`` times.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import torch
from dense_reference import DenseReference
from direction import forget, plain_read
from machine import describe_machine, forget_peak, peak_mebibytes, write_result
from random_llama import SHAPES, Shape, random_rows, write_mixture, write_pair
from safebasin.directions.extract import Extraction, extract_direction
from safebasin.directions.reader import TENSORS, DirectionReader
from safebasin.models.device import prefer_repeatable_kernels, seeded
from safebasin.models.generate import generate_answers
from safebasin.models.load import load_model
from safebasin.tuning.adapter import add_adapter
from safebasin.tuning.loop import Trainee, train
from safebasin.tuning.objectives.objective import Objective, load_objective
from safebasin.tuning.resume import ResumeState
from safebasin.tuning.training import Lora, Training
from safebasin.tuning.tune import named_factors, tune_adapter

Item = TypeVar("Item")
TARGETS = ["q_proj", "v_proj"]
"""What the released code of AsFT adapts: 64 matrices of 4096 x 4096 at this shape."""
LORA = Lora(rank=8, alpha=16, targets=TARGETS)
ASFT = {"type": "asft", "lambda": 1.0}
NOT_COUNTED = 3
"""Steps at the start of a run that are left out."""


class Clock:
    """Takes the time of each training step, once the device has done it."""

    def __init__(self, device: torch.device) -> None:
        """Measure on ``device``."""
        self._device = device
        self.seconds: list[float] = []

    def over(self, items: Iterable[Item], label: str, total: int | None = None) -> Iterator[Item]:
        """Yield the steps and time each."""
        del label, total
        for item in items:
            finish(self._device)
            began = time.perf_counter()
            yield item
            finish(self._device)
            self.seconds.append(time.perf_counter() - began)

    def note(self, message: str) -> None:
        """Drop the message."""


def finish(device: torch.device) -> None:
    """Wait until the device has done all that it was told."""
    if device.type == "cuda":
        torch.cuda.synchronize()


def start_peak(device: torch.device) -> None:
    """Let the peak of the device's memory begin anew."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    else:
        forget_peak()


def peak_gib(device: torch.device) -> float:
    """Return the peak of the device's memory since, in GiB."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated() / 2**30
    return peak_mebibytes() / 2**10


def measure_extraction(root: Path, device: torch.device) -> dict[str, object]:
    """Extract the direction; return time, and the rates of disk and memories beside it."""
    (root / "direction").mkdir()
    files = sorted(root.glob("*/*.safetensors"))
    forget(files)
    read = sum(path.stat().st_size for path in files) / plain_read(files)
    forget(files)
    began = time.perf_counter()
    what = Extraction(targets=TARGETS)
    extract_direction(root / "aligned", root / "base", root / "direction", what)
    seconds = time.perf_counter() - began
    written = (root / "direction" / TENSORS).stat().st_size  # fp32, so as much as both bf16 parts
    return {
        "seconds": seconds,
        "gb_read_and_written": 2 * written / 1e9,
        "gb_per_second": 2 * written / 1e9 / seconds,
        "plain_read_gb_per_second": read / 1e9,
        "host_memory_gb_per_second": copy_rate(torch.device("cpu")),
        "device_memory_gb_per_second": copy_rate(device),
    }


def copy_rate(device: torch.device, megabytes: int = 256) -> float:
    """Return the GB that a copy reads and writes in a second; the best of five."""
    block = torch.ones(megabytes * 250_000, device=device)
    times = []
    for _ in range(5):
        finish(device)
        began = time.perf_counter()
        block.clone()
        finish(device)
        times.append(time.perf_counter() - began)
    return 2 * megabytes / 1000 / min(times)


def objective_of(method: str) -> Objective:
    """Return what is added to plain fine-tuning."""
    if method == "asft, dense":
        return DenseReference(1.0)
    return load_objective(ASFT if method == "asft" else {"type": "sft"})


def train_once(
    root: Path, shape: Shape, method: str, steps: int, device: torch.device
) -> tuple[list[float], float]:
    """Return the seconds of each counted step, and the peak of the device's memory in GiB."""
    training = Training(
        learning_rate=1e-4, steps=steps, batch_size=8, max_length=shape.tokens,
        precision="bfloat16", clip=1.0,
    )  # fmt: skip
    loaded = load_model(root / "aligned", device=device, precision="bfloat16")
    clock, objective = Clock(device), objective_of(method)
    with seeded(0):
        model, pairs = add_adapter(loaded.model, LORA)
        objective.bind(pairs, DirectionReader(root / "direction"))
        trainee = Trainee(model=model, parameters=named_factors(pairs), device=device)
        start_peak(device)
        rows = random_rows(shape, 8 * steps)
        train(trainee, rows, training, objective, ResumeState(root / "resume", 1e9), clock)
    return clock.seconds[NOT_COUNTED:], peak_gib(device)


def measure_training(
    root: Path, shape: Shape, steps: int, rounds: int, device: torch.device
) -> dict[str, object]:
    """Return step time and peak memory of each method, and its time over that of plain SFT."""
    times: dict[str, list[float]] = {"sft": [], "asft": [], "asft, dense": []}
    peaks: dict[str, float] = {}
    for _ in range(rounds):
        for method, seconds in times.items():
            more, peaks[method] = train_once(root, shape, method, steps, device)
            seconds += more
    plain = statistics.median(times["sft"])
    return {
        method: {
            "step_seconds_median": statistics.median(seconds),
            "step_seconds": [min(seconds), max(seconds)],
            "over_sft": statistics.median(seconds) / plain,
            "peak_gib": peaks[method],
        }
        for method, seconds in times.items()
    }


def measure_generation(root: Path, shape: Shape, device: torch.device) -> list[dict[str, object]]:
    """Return new tokens per second, one by one and in batches."""
    loaded = load_model(root / "aligned", device=device, precision="bfloat16")
    prompts = [row.tokens.prompt for row in random_rows(shape, max(shape.batches))]
    figures: list[dict[str, object]] = []
    for size in shape.batches:
        asked = prompts[: max(size, 4)]
        generate_answers(loaded, asked[:1], max_new_tokens=2, batch_size=1)
        finish(device)
        began = time.perf_counter()
        answers = generate_answers(loaded, asked, max_new_tokens=shape.new_tokens, batch_size=size)
        seconds = time.perf_counter() - began
        made = sum(answer.new_tokens for answer in answers)
        figures.append(
            {"batch_size": size, "prompts": len(asked), "tokens_per_second": made / seconds}
        )
    return figures


def measure_adapter(root: Path, shape: Shape, device: torch.device) -> dict[str, object]:
    """Return the time of a whole AsFT adapter, loading and writing included."""
    write_mixture(root / "mixture", shape)
    (root / "adapter").mkdir()
    training = Training(
        learning_rate=1e-4, steps=shape.rows // 8, max_length=shape.tokens, precision="bfloat16"
    )
    began = time.perf_counter()
    tune_adapter(
        root / "aligned", root / "mixture", root / "direction", root / "adapter",
        method=ASFT, lora=LORA, training=training, device=device,
    )  # fmt: skip
    seconds = time.perf_counter() - began
    return {"rows": shape.rows, "seconds": seconds, "adapters_per_gpu_hour": 3600 / seconds}


def main() -> None:
    """Measure and write ``results/gpu.json``; of the tiny shape, print only."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", default="llama2-7b", choices=SHAPES)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    options = parser.parse_args()
    has_gpu = torch.cuda.is_available()
    if not has_gpu and options.shape != "tiny":
        print("gpu.py: skipped: no CUDA device is visible")
        return
    prefer_repeatable_kernels()
    shape, device = (
        SHAPES[options.shape],
        torch.device("cuda", 0) if has_gpu else torch.device("cpu"),
    )
    root = Path(tempfile.mkdtemp(dir=options.folder, prefix="gpu-benchmark-"))
    try:
        write_pair(root, shape, TARGETS, device)
        figures: dict[str, object] = {"shape": options.shape, "precision": "bfloat16"}
        for name, measure in (
            ("extraction", lambda: measure_extraction(root, device)),
            (
                "training",
                lambda: measure_training(root, shape, options.steps, options.rounds, device),
            ),
            ("generation", lambda: measure_generation(root, shape, device)),
            ("adapter", lambda: measure_adapter(root, shape, device)),
        ):
            began = time.perf_counter()
            figures[name] = measure()
            print(f"{name}: {time.perf_counter() - began:.0f} s", file=sys.stderr)
            if options.shape != "tiny":  # what is measured stays, should the time run out
                write_result("gpu", figures)
    finally:
        shutil.rmtree(root)
    if options.shape == "tiny":
        print(json.dumps({"machine": describe_machine(), **figures}, indent=1))


if __name__ == "__main__":
    main()
