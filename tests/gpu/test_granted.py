"""What a job sees of the machine's GPUs, and what it is told where they do not suffice."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch
from safebasin.cli import main
from safebasin.lease import FOLDER
from safebasin.spec_text import pack_spec
from safebasin.steps.job import Job
from safebasin.store.spec import Spec
from safebasin.visible_gpus import visible_gpus

pytestmark = pytest.mark.gpu

JOB = """
    import sys
    from safebasin.lease import leased

    with leased(1, lambda told: print(told, flush=True)) as (name,):
        import torch
        found = torch.cuda.get_device_properties(0)
        print(torch.cuda.device_count(), f"GPU-{found.uuid}", name, flush=True)
        sys.stdin.readline()
"""


def arguments(store: Path, gpus: int) -> list[str]:
    training = {"training": {"micro_batch": 8, "max_length": 512}}
    spec = pack_spec(Spec(kind="adapter", params=training))
    return ["tune_adapter", "--spec", spec, "--store", str(store), "--gpus", str(gpus)]


@pytest.fixture(autouse=True)
def leases(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER, str(tmp_path / "leases"))


@pytest.fixture
def whole() -> None:
    if any(gpu.startswith("MIG-") for gpu in visible_gpus()):
        pytest.skip("of MIG instances, torch sees one and tells its GPU")


def test_as_many_are_counted_as_torch_sees(whole):
    assert len(visible_gpus()) == torch.cuda.device_count()


def test_a_job_sees_the_gpu_that_it_leased_and_the_next_another_or_none(whole):
    jobs = []
    try:
        for _ in range(2):
            job = subprocess.Popen(
                [sys.executable, "-c", textwrap.dedent(JOB)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env=dict(os.environ),
            )
            jobs.append((job, job.stdout.readline().split()))
        (_, (seen, used, leased)), (_, second) = jobs
        assert (seen, used) == ("1", leased)
        if torch.cuda.device_count() > 1:
            assert second[2] != leased
        else:
            assert second[0] == "waiting"
    finally:
        for job, _ in jobs:
            job.kill()
            job.communicate()


def test_more_gpus_than_there_are_is_an_error(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments(tmp_path / "store", torch.cuda.device_count() + 1))
    assert ended.value.code == 4
    assert "--resources gpu=N" in capsys.readouterr().err


def test_memory_that_really_runs_out_names_the_setting(tmp_path, capsys, monkeypatch):
    def run(job: Job) -> None:
        torch.empty(1 << 50, dtype=torch.uint8, device="cuda")

    monkeypatch.setattr(importlib.import_module("safebasin.steps.tune_adapter"), "run", run)
    with pytest.raises(SystemExit) as ended:
        main(arguments(tmp_path / "store", 1))
    told = capsys.readouterr().err
    assert ended.value.code == 4
    assert "lower training.micro_batch (now 8)" in told
    assert "CUDA out of memory" in told
