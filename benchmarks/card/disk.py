"""Part 8: extraction from the disk of this machine, and one adapter from end to end."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import torch
from direction import forget, plain_read
from random_llama import write_mixture, write_pair
from safebasin.directions.extract import Extraction, extract_direction
from safebasin.directions.reader import TENSORS
from safebasin.models.load import load_model
from safebasin.tuning.training import Lora, Training
from safebasin.tuning.tune import tune_adapter

from card.bench import Bench
from card.figures import Note
from card.steps import TARGETS


def measure(bench: Bench, note: Note) -> None:
    """Write a pair of checkpoints, extract its direction, tune an adapter by AsFT."""
    root = Path(tempfile.mkdtemp(dir=bench.scratch, prefix="gpu-benchmark-"))
    try:
        note(
            "writing_seconds",
            bench.seconds(lambda: write_pair(root, bench.shape, TARGETS, bench.device)),
        )
        bench.forget()
        note("extraction", _extraction(bench, root))
        note("adapter", _adapter(bench, root))
        files = sorted((root / "aligned").glob("*.safetensors"))
        forget(files)
        given = {"device": bench.device, "precision": "bfloat16"}
        note("loading_seconds", bench.seconds(lambda: load_model(root / "aligned", **given)))
    finally:
        shutil.rmtree(root)


def _extraction(bench: Bench, root: Path) -> dict[str, float]:
    """Return the time of the step, and the rates of disk and memories beside it."""
    (root / "direction").mkdir()
    files = sorted(root.glob("*/*.safetensors"))
    forget(files)
    read = sum(path.stat().st_size for path in files) / plain_read(files)
    forget(files)
    what = Extraction(targets=TARGETS)
    seconds = bench.seconds(
        lambda: extract_direction(root / "aligned", root / "base", root / "direction", what)
    )
    written = (root / "direction" / TENSORS).stat().st_size  # fp32, so as much as both bf16 parts
    return {
        "seconds": seconds,
        "gb_read_and_written": 2 * written / 1e9,
        "gb_per_second": 2 * written / 1e9 / seconds,
        "plain_read_gb_per_second": read / 1e9,
        "host_memory_gb_per_second": _copy_rate(bench, torch.device("cpu")),
        "device_memory_gb_per_second": _copy_rate(bench, bench.device),
    }


def _copy_rate(bench: Bench, device: torch.device, megabytes: int = 256) -> float:
    """Return the GB that a copy reads and writes in a second; the best of five."""
    block = torch.ones(megabytes * 250_000, device=device)
    return 2 * megabytes / 1000 / min(bench.seconds(block.clone) for _ in range(5))


def _adapter(bench: Bench, root: Path) -> dict[str, float]:
    """Return the time of a whole AsFT adapter, loading and writing included."""
    shape = bench.shape
    write_mixture(root / "mixture", shape)
    (root / "adapter").mkdir()
    training = Training(
        learning_rate=1e-4, steps=shape.rows // 8, max_length=shape.tokens, precision="bfloat16"
    )
    bench.start_peak()
    seconds = bench.seconds(
        lambda: tune_adapter(
            root / "aligned", root / "mixture", root / "direction", root / "adapter",
            method={"type": "asft", "lambda": 1.0}, training=training, device=bench.device,
            lora=Lora(rank=8, alpha=16, targets=TARGETS),
        )
    )  # fmt: skip
    return {
        "rows": shape.rows,
        "seconds": seconds,
        "adapters_per_gpu_hour": 3600 / seconds,
        "peak_gib": bench.peak(),
    }
