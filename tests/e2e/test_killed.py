"""The smoke study killed: the same bytes, nothing lost."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from safebasin.store.receipts import receipt_path
from safebasin.workflow import open_workflow

from ..workflow import ROOT, SMOKE, SNAKEMAKE, lay_out, manifests, snakemake

ENDS = {"evaluate_study": "evaluation", "render_report": "report"}
"""The rules that need all the rest, and the kinds that they make."""


@pytest.mark.more
def test_killed_at_random_moments_it_ends_with_the_same_bytes(smoke_folder, tmp_path):
    """Steps and Snakemake are killed with SIGKILL; then the same command, until it is done.

    One job of each rule, and what it needs, is made in another store. The others come from the
    smoke study's, so that evaluation and report are made of both.
    """
    moments = [random.uniform(6, 16) for _ in range(2)]
    print(f"killed after {moments} seconds")  # which pytest shows where the test fails
    folder = lay_out(tmp_path / "killed")
    store, other = tmp_path / "another-store", smoke_folder / "store"
    command = ["--configfile", str(SMOKE), "--", *_one_of_each_rule(other)]
    for victim, moment in zip(("step", "snakemake"), moments, strict=True):
        _run_and_kill(folder, store, command, victim, moment)
    _unlock(folder)
    snakemake(folder, *command, store=store)
    assert manifests(store).items() < manifests(other).items()

    _bring_the_rest(other, store)
    snakemake(folder, "--configfile", str(SMOKE), store=store)
    assert manifests(store) == manifests(other)


def _one_of_each_rule(store: Path) -> list[str]:
    """Return the receipt of each rule's last job."""
    graph = open_workflow([ROOT / SMOKE], store=store).graph
    last = {node.rule: node for node in graph if node.rule not in ENDS}
    return [receipt_path(node.kind, node.digest) for node in last.values()]


def _bring_the_rest(other: Path, store: Path) -> None:
    for manifest in manifests(other):
        artifact = Path(manifest).parent
        if artifact.parent.name not in ENDS.values() and not (store / artifact).exists():
            shutil.copytree(other / artifact, store / artifact)


def _run_and_kill(
    folder: Path, store: Path, command: list[str], victim: str, seconds: float
) -> None:
    _unlock(folder)
    process = subprocess.Popen(
        [SNAKEMAKE, "--cores", "2", *command],
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
