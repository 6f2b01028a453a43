"""What the shipped profiles grant to jobs that run a model."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ..workflow import SMOKE, lay_out, snakemake

GPU = ("--workflow-profile", "profiles/gpu")
EIGHT = ("--resources", "gpu=8")
TWO_EACH = ("--resources", "gpu=4", "--set-resources", "tune_adapter:gpu=2")


@pytest.mark.parametrize(
    ("arguments", "tuning", "others"),
    [((), "0", "0"), (GPU, "1", "1"), ((*GPU, *TWO_EACH), "2", "1")],
    ids=["default", "gpu", "two for each tuning"],
)
def test_a_profile_grants_gpus(
    arguments: tuple[str, ...], tuning: str, others: str, tmp_path: Path
) -> None:
    folder = lay_out(tmp_path / "study")
    told = snakemake(folder, "--dry-run", "-p", "--configfile", str(SMOKE), *arguments)
    granted = re.findall(r"-m safebasin (\w+) .*--gpus (\S+)", told)
    assert {gpus for step, gpus in granted if step == "tune_adapter"} == {tuning}
    assert {gpus for step, gpus in granted if step != "tune_adapter"} == {others}


LARGE = """\
checkpoints:
  tiny: {parameters: 8030261248}
generation: {precision: bfloat16}
"""
"""The smoke study, were its model of 8 billion parameters: it is planned, and never made."""


@pytest.mark.parametrize(
    ("arguments", "full", "adapters", "answers"),
    [
        (EIGHT, "3", "1", "1"),
        ((*EIGHT, "--config", "gpu_gb=24"), "7", "4", "1"),
        ((*EIGHT, "--set-resources", "align_checkpoint:gpu=5"), "5", "1", "1"),
        (("--resources", "gpu=2"), "2", "1", "1"),  # no more than there are
    ],
    ids=["as the profile says", "small GPUs", "set by hand", "two GPUs"],
)
def test_a_job_is_granted_the_gpus_that_its_model_needs(
    arguments: tuple[str, ...], full: str, adapters: str, answers: str, tmp_path: Path
) -> None:
    folder = lay_out(tmp_path / "study")
    (folder / "large.yaml").write_text(LARGE)
    study = ("--configfile", str(SMOKE), "large.yaml")
    told = snakemake(folder, "--dry-run", "-p", *study, *GPU, *arguments)
    granted: dict[str, str] = {}  # of several adapters that with anchors, which take room too
    for step, gpus in re.findall(r"-m safebasin (\w+) .*--gpus (\S+)", told):
        granted[step] = max(granted.get(step, ""), gpus)
    steps = ("align_checkpoint", "tune_adapter", "generate_responses")
    assert [granted[step] for step in steps] == [full, adapters, answers]
