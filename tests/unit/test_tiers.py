"""The tests' own rules: skips are told, draws are the same everywhere, and every test is collected."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
IN_A_WORKER = ["-n", "1"]
SKIPPING = """
import pytest

@pytest.mark.parametrize("number", range(3))
def test_one(number):
    pytest.skip("a program is not installed")

@pytest.fixture
def device():
    pytest.skip("no CUDA device is visible")

def test_two(device):
    pass

def test_three():
    pass
"""
DRAWING = """
from hypothesis import given, strategies as st
from tests.draws import load_profile

load_profile()
drawn = []

@given(st.lists(st.text()))
def test_draws(texts):
    drawn.append(tuple(texts))

def test_tells():
    print("drawn", hash(tuple(drawn)), len(drawn))
"""


def run_pytest(folder: Path, text: str, *arguments: str, **environment: str) -> tuple[int, str]:
    """Run pytest on one file outside of the repository, with its hooks; return code and output."""
    file = folder / "test_small.py"
    file.write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.skips", "-q", *arguments, str(file)],
        env={
            **os.environ,
            "PYTHONPATH": f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
            "PYTHONHASHSEED": "0",
            "SAFEBASIN_TESTS_COMPLETE": "",
            "SAFEBASIN_DRAWS": "fixed",
            **environment,
        },
        cwd=folder,
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    "workers",
    [
        pytest.param([], id="here"),
        pytest.param(IN_A_WORKER, id="in a worker", marks=pytest.mark.more),
    ],
)
def test_the_last_lines_count_the_skips_of_each_reason(tmp_path: Path, workers: list[str]) -> None:
    code, told = run_pytest(tmp_path, SKIPPING, *workers)

    assert code == 0, told
    assert told.splitlines()[-3:-1] == [
        "3 skipped: a program is not installed",
        "1 skipped: no CUDA device is visible",
    ]


@pytest.mark.parametrize(
    "workers",
    [
        pytest.param([], id="here", marks=pytest.mark.more),
        pytest.param(IN_A_WORKER, id="in a worker"),
    ],
)
def test_where_nothing_may_be_left_out_only_a_missing_device_may(
    tmp_path: Path, workers: list[str]
) -> None:
    code, told = run_pytest(tmp_path, SKIPPING, *workers, SAFEBASIN_TESTS_COMPLETE="1")

    assert code == 1
    assert "3 failed, 1 passed, 1 skipped" in told
    assert "nothing may be left out: a program is not installed" in told
    assert "1 skipped: no CUDA device is visible" in told


def test_draws_hang_neither_on_the_run_nor_on_the_modules_that_are_loaded(tmp_path: Path) -> None:
    (tmp_path / "words.py").write_text(f"WORDS = {[f'word {n}' for n in range(99)]}")

    told = [run_pytest(tmp_path, text, "-s")[1] for text in (DRAWING, f"import words{DRAWING}")]

    assert len({re.search(r"drawn -?\d+ \d+", each)[0] for each in told}) == 1  # type: ignore[index]


@pytest.mark.more
def test_free_draws_are_others_each_time_and_ten_times_as_many(tmp_path: Path) -> None:
    told = [run_pytest(tmp_path, DRAWING, "-s", SAFEBASIN_DRAWS="free")[1] for _ in range(2)]

    seen = [re.search(r"drawn (-?\d+) (\d+)", each) for each in told]
    assert {found[2] for found in seen if found} == {"600"}
    assert len({found[1] for found in seen if found}) == 2
