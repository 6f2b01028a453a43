"""A profile says how a machine does it; on a cluster no GPU request gets lost on the way."""

from __future__ import annotations

import re

import pytest
import yaml

from ..workflow import ROOT, SMOKE, lay_out, snakemake

PROFILES = ("default", "gpu", "slurm")
LOST = "takes every GPU request away"


def profile(name: str) -> dict[str, object]:
    """Return what a profile says."""
    return yaml.safe_load((ROOT / "profiles" / name / "config.yaml").read_text())


def rules_saying(words: str) -> set[str]:
    """Return the names of the rules in whose text these words are."""
    text = "".join(path.read_text() for path in sorted((ROOT / "rules").glob("*.smk")))
    rules = re.findall(r"^rule (\w+):\n(.*?)(?=^rule |\Z)", text, flags=re.M | re.S)
    return {name for name, body in rules if re.search(rf"^ +{words}", body, flags=re.M)}


@pytest.mark.parametrize("key", ["rerun-triggers", "rerun-incomplete", "scheduler"])
def test_what_makes_a_job_stale_is_the_same_on_every_machine(key):
    assert len({str(profile(name)[key]) for name in PROFILES}) == 1


def test_every_rule_that_asks_for_a_gpu_goes_to_the_gpu_partition():
    partitions = {
        rule: asked["slurm_partition"] for rule, asked in profile("slurm")["set-resources"].items()
    }
    assert partitions == dict.fromkeys(rules_saying("gpu="), "gpu")


def test_the_gpus_of_a_cluster_job_are_those_of_one_node():
    asked = profile("slurm")["set-resources"].values()
    assert {resources["nodes"] for resources in asked} == {1}


def test_a_step_takes_the_place_of_its_shell():
    """A scheduler's SIGTERM ends a shell at once, and with it the job whose step is still saving."""
    assert rules_saying('"exec {params.python}') == rules_saying("spec=PLAN.spec")


def test_no_job_of_a_cluster_repeats_itself_inside_its_own_limits():
    """A rule's own ``retries`` would: the job reads the rule too. Local rules are no jobs."""
    local = re.search(r"^localrules:\n((?: +\w+,\n)+)", (ROOT / "Snakefile").read_text(), re.M)
    assert rules_saying("retries:") <= set(re.findall(r"\w+", local.group(1)))
    assert profile("slurm")["retries"] >= 1


@pytest.mark.parametrize(
    ("arguments", "lost"),
    [
        (("--executor", "slurm", "--jobs", "3"), True),
        (("--profile", "profiles/slurm"), True),
        (("--workflow-profile", "profiles/slurm", "--resources", "gpu=0"), True),
        (("--workflow-profile", "profiles/slurm", "--dry-run"), False),
        (("--workflow-profile", "profiles/gpu", "--cores", "2", "--dry-run"), False),
        (("--cores", "2", "--jobs", "3", "--dry-run"), False),
    ],
)
def test_gpu_requests_are_not_lost_on_the_way_to_a_cluster(tmp_path, arguments, lost):
    folder = lay_out(tmp_path)
    told = snakemake(folder, "--configfile", str(SMOKE), *arguments, cores=None, check=not lost)
    assert (LOST in told) == lost
    if lost:
        assert "profiles/default/config.yaml" in told
        assert not (folder / "store").exists()


@pytest.mark.parametrize(
    ("setting", "cure"),
    [
        ("devise=cpu", "only store, device, gpu_gb"),
        ("device=gpu", "auto, cpu, cuda are right"),
        ("gpu_gb=0", "the memory of one GPU in GB"),
    ],
)
def test_a_machine_setting_that_does_not_exist_is_refused(tmp_path, setting, cure):
    told = snakemake(lay_out(tmp_path), "--dry-run", "--config", setting, check=False)
    assert cure in told
    assert "Traceback" not in told
