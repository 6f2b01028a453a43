from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safebasin.cli import main
from safebasin.lease import FOLDER
from safebasin.out_of_memory import LOWER
from safebasin.spec_text import pack_spec
from safebasin.steps.job import Job
from safebasin.store.kinds import RULES
from safebasin.store.spec import Spec

TRAINING = {"training": {"micro_batch": 8, "max_length": 512}}
ROLLOUT = {"rollout": {"batch_size": 64, "max_new_tokens": 48}}
REPLIES = {"batch_size": 32, "max_new_tokens": 128}


def command(step: str, params: dict[str, object], store: Path, *more: str) -> list[str]:
    """The arguments of a step whose artifact has no code and no inputs."""
    spec = pack_spec(Spec(kind=RULES[step].kind, params=params))
    return [step, "--spec", spec, "--store", str(store), *more]


def make_it_raise(step: str, error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(job: Job) -> None:
        raise error

    monkeypatch.setattr(importlib.import_module(f"safebasin.steps.{step}"), "run", run)


@pytest.mark.parametrize(
    ("step", "params", "advice"),
    [
        ("tune_adapter", TRAINING, "training.micro_batch (now 8), then training.max_length (now"),
        ("tune_checkpoint", TRAINING, "training.micro_batch (now 8)"),
        ("align_checkpoint", TRAINING, "training.micro_batch (now 8)"),
        ("generate_responses", REPLIES, "generation.batch_size (now 32), then max_new_tokens"),
        ("run_episodes", ROLLOUT, "generation.batch_size (now 64), then max_new_tokens (now 48)"),
        ("search_prefix", ROLLOUT, "generation.batch_size (now 64)"),
        ("fit_probe", ROLLOUT, "generation.batch_size (now 64)"),
    ],
)
def test_a_step_without_memory_names_the_setting_to_lower(
    step, params, advice, tmp_path, capsys, monkeypatch
):
    make_it_raise(step, torch.OutOfMemoryError("CUDA out of memory. Tried 2 GiB"), monkeypatch)
    with pytest.raises(SystemExit) as ended:
        main(command(step, params, tmp_path / "store"))
    told = capsys.readouterr().err
    assert ended.value.code == 4
    assert f"lower {advice}" in told
    assert "Tried 2 GiB" in told
    assert "Traceback" not in told
    assert not (tmp_path / "store" / RULES[step].kind).exists()


def test_every_step_that_runs_a_model_has_settings_to_lower():
    assert set(LOWER) == {name for name, rule in RULES.items() if rule.gpu}


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (MemoryError(), 4),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate"), 4),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling"), 4),
    ],
)
def test_other_ways_of_saying_so_are_known(error, code, tmp_path, capsys, monkeypatch):
    make_it_raise("tune_adapter", error, monkeypatch)
    with pytest.raises(SystemExit) as ended:
        main(command("tune_adapter", {}, tmp_path / "store"))
    assert ended.value.code == code
    assert "ran out of memory: run fewer jobs at once" in capsys.readouterr().err


def test_another_error_keeps_its_traceback(tmp_path, monkeypatch):
    make_it_raise("tune_adapter", RuntimeError("shapes do not match"), monkeypatch)
    with pytest.raises(RuntimeError, match="shapes do not match"):
        main(command("tune_adapter", {}, tmp_path / "store"))


@pytest.mark.parametrize("told", ["auto", "cuda"])
def test_a_granted_gpu_that_is_not_there_is_an_error_before_torch_is_loaded(told, tmp_path):
    script = (
        "import sys, atexit\n"
        "atexit.register(lambda: print('torch' in sys.modules))\n"
        "from safebasin.cli import main\n"
        "main(sys.argv[1:])"
    )
    arguments = command("tune_adapter", {}, tmp_path / "store", "--gpus", "1", "--device", told)
    ended = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "", FOLDER: str(tmp_path / "leases")},
    )
    assert ended.returncode == 4
    assert "1 GPU(s) were granted and 0 can be seen here" in ended.stderr
    assert "--resources gpu=N" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stdout == "False\n"


def test_a_device_that_only_its_name_promises_is_an_error(tmp_path, capsys, monkeypatch):
    """Without the driver's tool a name is believed until torch looks."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-absent")
    monkeypatch.setenv(FOLDER, str(tmp_path / "leases"))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    params = {
        "parts": ["test"], "max_new_tokens": 4, "batch_size": 2, "precision": "float32",
    }  # fmt: skip
    step = importlib.import_module("safebasin.steps.generate_responses")
    monkeypatch.setattr(step, "choose_prompts", lambda *_: [])
    monkeypatch.setattr(Job, "input", lambda *_: tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(command("generate_responses", params, tmp_path / "store", "--gpus", "1"))
    assert ended.value.code == 4
    assert "CUDA_VISIBLE_DEVICES='GPU-absent'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("step", "device", "gpus", "shown"),
    [
        ("tune_adapter", "auto", 0, "0,1"),
        ("tune_adapter", "cpu", 0, ""),
        ("tune_adapter", "cpu", 1, ""),
        ("read_corpus", "auto", 0, ""),
    ],
)
def test_only_a_step_that_may_use_a_gpu_sees_one(step, device, gpus, shown, tmp_path, monkeypatch):
    seen: list[str] = []

    def run(job: Job) -> None:
        seen.append(os.environ["CUDA_VISIBLE_DEVICES"])
        raise KeyboardInterrupt

    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    monkeypatch.setattr(importlib.import_module(f"safebasin.steps.{step}"), "run", run)
    with pytest.raises(SystemExit):
        main(command(step, {}, tmp_path / "store", "--device", device, "--gpus", str(gpus)))
    assert seen == [shown]
