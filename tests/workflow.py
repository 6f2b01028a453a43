"""Running the workflow in a working directory of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SMOKE = Path("studies/smoke.yaml")
TOKEN = "hf_nobodyMustSeeThis"
"""A hub token that is looked for in everything a run leaves behind."""
SNAKEMAKE = str(Path(sys.executable).with_name("snakemake"))


def lay_out(folder: Path) -> Path:
    """Make ``folder`` a working directory: workflow, rules, profiles, studies; no package."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("Snakefile", "config.yaml", "sources.lock.yaml"):
        shutil.copy(ROOT / name, folder / name)
    for name in ("rules", "profiles", "studies"):
        shutil.copytree(ROOT / name, folder / name)
    return folder


def snakemake(
    folder: Path,
    *arguments: str,
    store: Path | None = None,
    cores: int | None = 2,
    environment: Mapping[str, str] = os.environ,
    check: bool = True,
) -> str:
    """Run Snakemake in ``folder``; return both streams."""
    environment = dict(environment)
    if store is not None:
        environment["SAFEBASIN_STORE"] = str(store)
    done = subprocess.run(
        [SNAKEMAKE, *(["--cores", str(cores)] if cores else []), *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    told = done.stdout + done.stderr
    assert not check or done.returncode == 0, told[-6000:]
    return told


def manifests(store: Path) -> dict[str, bytes]:
    """Return path to bytes of every ``artifact.json``."""
    return {
        path.relative_to(store).as_posix(): path.read_bytes()
        for path in sorted(store.glob("*/*/artifact.json"))
    }


def jobs_run(told: str) -> list[str]:
    """Return the rules of the jobs that Snakemake says it finished."""
    return [line.split("(Rule: ")[1].rstrip(")") for line in told.splitlines() if "(Rule: " in line]
