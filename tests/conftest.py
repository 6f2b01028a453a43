"""What all tests share."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import shutil
from pathlib import Path

import pytest
from filelock import FileLock
from safebasin.store.code_identity import PACKAGE

from .draws import load_profile
from .skips import (
    pytest_make_collect_report,
    pytest_runtest_makereport,
    pytest_terminal_summary,
)
from .workflow import SMOKE, TOKEN, lay_out, snakemake

__all__ = ["pytest_make_collect_report", "pytest_runtest_makereport", "pytest_terminal_summary"]
load_profile()


@pytest.fixture(scope="session")
def smoke_folder(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The working directory of a finished smoke study, whose user is logged in to the hub.

    Do not change its files. The first test process that asks for it makes it, the others wait.
    """
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "smoke"
    finished = folder.with_suffix(".finished")
    with FileLock(folder.with_suffix(".lock")):
        if not finished.exists():
            shutil.rmtree(folder, ignore_errors=True)
            environment = {**os.environ, "HF_TOKEN": TOKEN}
            snakemake(lay_out(folder), "--configfile", str(SMOKE), environment=environment)
            finished.touch()
    return folder


@pytest.fixture
def inside(smoke_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in the finished working directory."""
    monkeypatch.chdir(smoke_folder)
    return smoke_folder


@pytest.fixture
def package_copy(tmp_path: Path) -> Path:
    """A copy of the package whose code may be edited."""
    return Path(
        shutil.copytree(
            PACKAGE, tmp_path / "safebasin", ignore=shutil.ignore_patterns("__pycache__")
        )
    )
