"""What the shipped profiles grant to jobs that run a model."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ..workflow import SMOKE, lay_out, snakemake

GPU = ("--workflow-profile", "profiles/gpu")
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
