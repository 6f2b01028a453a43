"""The smoke study killed: the same bytes, nothing lost."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from ..workflow import SMOKE, SNAKEMAKE, lay_out, manifests, snakemake


def test_killed_at_random_moments_it_ends_with_the_same_bytes(smoke_folder, tmp_path):
    """Steps and Snakemake are killed with SIGKILL; then the same command, until it is done."""
    folder, chance = lay_out(tmp_path / "killed"), random.Random(int(time.time()))
    store = tmp_path / "another-store"
    for victim in ("step", "snakemake", "snakemake"):
        _run_and_kill(folder, store, victim, chance.uniform(6, 16))
    _unlock(folder)
    snakemake(folder, "--configfile", str(SMOKE), store=store)
    assert manifests(store) == manifests(smoke_folder / "store")


def _run_and_kill(folder: Path, store: Path, victim: str, seconds: float) -> None:
    _unlock(folder)
    process = subprocess.Popen(
        [SNAKEMAKE, "--cores", "2", "--configfile", str(SMOKE)],
        cwd=folder,
        env={**os.environ, "SAFEBASIN_STORE": str(store)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        process.wait(seconds)
        return  # it was done before its time
    except subprocess.TimeoutExpired:
        pass
    if victim == "step":
        for pid in _steps_of(store):
            os.kill(pid, signal.SIGKILL)
        process.wait()
    else:
        process.kill()
        process.wait()


def _steps_of(store: Path) -> list[int]:
    """Return the processes that run a step on this store."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"safebasin" in words and str(store).encode() in words:
                found.append(int(entry.name))
    return found


def _unlock(folder: Path) -> None:
    subprocess.run([sys.executable, "-m", "safebasin", "unlock"], cwd=folder, check=True)
