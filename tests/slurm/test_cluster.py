"""The smoke study on a real Slurm, through the shipped profile, seen in Slurm's own records."""

from __future__ import annotations

import itertools
import re
from datetime import datetime

import pytest
import torch
from safebasin.store.receipts import receipt_path

from ..workflow import jobs_run, lay_out, snakemake
from .site import LOCAL, MODELS, SITE, adapter_of, layer, name_the_site

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(1800)]


def asks_for_a_gpu(job: dict[str, str]) -> bool:
    return "gpu" in job.get("TresPerJob", "")


def at(job: dict[str, str], key: str) -> datetime:
    return datetime.fromisoformat(job[key])


def rule_of(job: dict[str, str]) -> str:
    return re.sub(r"^rule_|_wildcards_.*", "", job["Comment"])


def test_the_whole_study_ran_and_light_rules_ran_where_snakemake_is(on_slurm, jobs):
    rules = set(jobs_run((on_slurm / "told").read_text()))
    assert (on_slurm / "results" / "smoke" / "report.html").is_file()
    assert {rule_of(job) for job in jobs} == rules - LOCAL


def test_every_rule_that_runs_a_model_was_granted_a_gpu_and_no_other(jobs):
    assert {rule_of(job) for job in jobs} >= MODELS
    for job in jobs:
        granted = rule_of(job) in MODELS
        assert asks_for_a_gpu(job) == granted, job
        assert job["NodeList"] == ("gpu1" if granted else "cpu1")
        assert job["JOB_GRES"] == ("gpu:fake:1" if granted else "(null)")


def test_memory_and_minutes_are_the_models_and_the_account_is_the_sites(jobs):
    (align,) = (job for job in jobs if rule_of(job) == "align_checkpoint")
    assert (align["MinMemoryNode"], align["TimeLimit"]) == ("2118M", "00:20:00")
    assert {job["Account"] for job in jobs} == {"tests"}


def test_two_jobs_that_want_the_one_gpu_queue_for_it(jobs):
    begun = sorted(
        (job for job in jobs if asks_for_a_gpu(job)), key=lambda job: at(job, "StartTime")
    )
    pairs = list(itertools.combinations(begun, 2))
    assert any(at(later, "SubmitTime") < at(first, "EndTime") for first, later in pairs)
    assert all(at(later, "StartTime") >= at(first, "EndTime") for first, later in pairs)


@pytest.mark.skipif(torch.cuda.is_available(), reason="the GPU that is granted in name is here")
def test_a_failure_is_reported_and_every_retry_asks_for_more(on_slurm, cluster, tmp_path):
    """A step that was granted a GPU wants it, unless the machine is told ``device=cpu``."""
    folder = lay_out(tmp_path / "failing")
    name_the_site(folder)
    study = layer(folder, "training: {learning_rate: 2e-2}")
    digest = adapter_of(folder, study)
    told = snakemake(
        *(folder, *SITE, "--retries", "1", "--configfile", *study, "--"),
        receipt_path("adapter", digest),
        store=on_slurm / "store",
        cores=None,
        environment=cluster.environment,
        check=False,
    )
    assert "Error in rule tune_adapter" in told, told
    assert "sees no CUDA device" in told
    jobs = cluster.jobs(f"tune_adapter_wildcards_{digest}")
    assert [job["JobState"] for job in jobs] == ["FAILED"] * 2
    memory = [int(job["MinMemoryNode"].rstrip("M")) for job in jobs]
    assert memory == [2116, 3386]
    assert [job["TimeLimit"] for job in jobs] == ["00:20:00", "00:32:00"]
