"""Benchmarks: the one that needs a GPU at a size that any machine has; what others are taken on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from safebasin.store.code_identity import PACKAGE
from safebasin.store.publish import publish
from safebasin.store.store import Store
from safebasin.workflow import open_workflow

ROOT = PACKAGE.parents[1]
ON_THE_DEFAULT_STUDY = ("agents", "generation", "startup", "training")


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


@pytest.fixture
def default_study(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import default_study

    return default_study


@pytest.mark.parametrize("what", ["ALIGNED", "AGENT", "MIXTURE"])
def test_a_benchmark_is_taken_on_the_default_study_and_on_no_other(
    default_study, what, tmp_path, monkeypatch
):
    monkeypatch.setenv("SAFEBASIN_STORE", str(tmp_path / "store"))
    monkeypatch.chdir(tmp_path)  # the study is found from anywhere
    name, store = getattr(default_study, what), Store(tmp_path / "store")
    default, smoke = (
        open_workflow([ROOT / file], lock=ROOT / "sources.lock.yaml").graph
        for file in ("config.yaml", "studies/smoke.yaml")
    )
    node = default.by_name(name)
    for each in (*smoke.of_rule(node.rule), node):
        with pytest.raises(SystemExit, match=f"{name} is not in .*run `make study` first"):
            default_study.artifact(name)
        scratch = store.scratch(each.digest)
        scratch.mkdir(parents=True)
        (scratch / "rows").write_bytes(b"")
        publish(store, each.spec, ["*"], {})
    assert default_study.artifact(name) == store.home(node.kind, node.digest)


def test_what_is_named_is_taken_unseen_and_what_the_study_has_not_is_refused(default_study):
    assert default_study.artifact(default_study.AGENT, Path("mine")) == Path("mine")
    with pytest.raises(SystemExit, match=r"config.yaml has no checkpoint/other"):
        default_study.artifact("checkpoint/other")


@pytest.mark.parametrize("name", ON_THE_DEFAULT_STUDY)
def test_without_the_default_study_a_benchmark_says_what_to_run(name, tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", f"benchmarks/{name}.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "SAFEBASIN_STORE": str(tmp_path)},
    )
    assert done.returncode == 1
    assert "run `make study` first" in done.stderr
    assert "Traceback" not in done.stderr
