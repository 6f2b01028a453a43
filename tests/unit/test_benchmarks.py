"""The benchmark that needs a GPU is tried here at a size that any machine has."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from safebasin.store.code_identity import PACKAGE

ROOT = PACKAGE.parents[1]


def gpu_benchmark(*arguments: str) -> str:
    return subprocess.run(
        [sys.executable, "-W", "ignore", "benchmarks/gpu.py", *arguments],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
    ).stdout


def test_without_a_gpu_it_says_so_and_writes_nothing():
    result = ROOT / "benchmarks" / "results" / "gpu.json"
    before = result.read_bytes() if result.exists() else None
    assert gpu_benchmark() == "gpu.py: skipped: no CUDA device is visible\n"
    assert (result.read_bytes() if result.exists() else None) == before


def test_its_path_is_whole_at_a_small_size(tmp_path):
    told = gpu_benchmark(
        "--shape", "tiny", "--steps", "4", "--rounds", "1", "--folder", str(tmp_path)
    )
    figures = json.loads(told)
    assert set(figures["training"]) == {"sft", "asft", "asft, dense"}
    assert figures["training"]["sft"]["over_sft"] == 1
    assert figures["training"]["asft"]["peak_gib"] > 0
    assert [case["batch_size"] for case in figures["generation"]] == [1, 4]
    assert figures["adapter"]["adapters_per_gpu_hour"] > 0
    assert figures["machine"]["date"]
    assert not list(tmp_path.iterdir())
