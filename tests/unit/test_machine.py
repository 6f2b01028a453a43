"""What a profile says of the machine is read strictly."""

from __future__ import annotations

from pathlib import Path

import pytest
from safebasin.errors import StudyError
from safebasin.machine import GPU_GB, Machine, machine_of


@pytest.mark.parametrize(
    ("settings", "machine"),
    [
        ({}, Machine(store=None, device="auto", gpu_gb=GPU_GB)),
        ({"gpu_gb": 24}, Machine(gpu_gb=24)),
        ({"gpu_gb": "11.5"}, Machine(gpu_gb=11.5)),
        ({"store": "/shared", "device": "cpu"}, Machine(store=Path("/shared"), device="cpu")),
    ],
)
def test_what_is_not_said_is_usual(settings, machine):
    assert machine_of(settings) == machine


@pytest.mark.parametrize("value", ["large", "", 0, -1, "nan", "inf", [80], True])
def test_a_memory_that_no_gpu_has_is_refused(value):
    with pytest.raises(StudyError, match=r"gpu_gb=.*the memory of one GPU in GB"):
        machine_of({"gpu_gb": value})


def test_a_setting_that_does_not_exist_is_refused_with_those_that_do():
    with pytest.raises(StudyError, match="gpus=…: only store, device, gpu_gb are set there"):
        machine_of({"gpus": 2})


def test_gigabytes_are_decimal():
    assert Machine(gpu_gb=80).gpu_bytes == 80_000_000_000


@pytest.mark.parametrize("value", [10, 10.0, True, None, "", " ", ["a"], "a\nb", "a" * 300])
def test_a_store_that_is_no_path_is_refused(value):
    """Snakemake makes the number 10 of ``store=010``, and nothing of ``store=``."""
    with pytest.raises(StudyError, match=r"store=.*: the path of a folder is right"):
        machine_of({"store": value})


@pytest.mark.parametrize("value", [pytest.param(10**5000, id="large"), 1e300, 1e-300, "9" * 500])
def test_a_memory_that_no_sum_holds_is_refused_in_one_line(value):
    with pytest.raises(StudyError, match=r"gpu_gb=.*the memory of one GPU in GB") as caught:
        machine_of({"gpu_gb": value})
    assert len(str(caught.value)) < 200
