"""Planning and dry run of the smoke study, from one seed (52 jobs) to 475 (10,000 jobs).

And nothing-to-do: a second run of the finished smoke study.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from machine import write_result
from safebasin.store.code_identity import CodeBook
from safebasin.study.load import validate
from safebasin.study.plan import plan
from safebasin.study.yaml_reader import read_yaml

ROOT = Path(__file__).resolve().parents[1]
SIZES = (50, 100, 1_000, 10_000)
"""Jobs, about."""
SHARED_JOBS, JOBS_PER_SEED = 31, 21


def main() -> None:
    """Measure and write ``results/planning.json``."""
    rows = [_measure(size) for size in SIZES]
    for row in rows:
        print(row)
    write_result("planning", {"sizes": rows, "nothing_to_do_seconds": _nothing_to_do()})


def _measure(size: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as name:
        folder = lay_out(Path(name))
        seeds = max(1, round((size - SHARED_JOBS) / JOBS_PER_SEED))
        config = folder / "sized.yaml"
        listed = ", ".join(str(seed) for seed in range(seeds))
        text = (folder / "studies" / "smoke.yaml").read_text(encoding="utf-8")
        config.write_text(text.replace("seeds: [0]", f"seeds: [{listed}]"), encoding="utf-8")
        began = time.perf_counter()
        graph = plan(validate(read_yaml(config)), {}, CodeBook().identity)
        planned = time.perf_counter() - began
        seconds, memory = _run(folder, "--configfile", str(config), "--dry-run", "--quiet", "all")
    return {
        "jobs": len(graph),
        "plan_seconds": round(planned, 2),
        "dry_run_seconds": round(seconds, 2),
        "dry_run_peak_mb": memory,
    }


def _nothing_to_do() -> float:
    """Return the seconds of a second run, the median of three."""
    with tempfile.TemporaryDirectory() as name:
        folder = lay_out(Path(name))
        smoke = ("--configfile", "studies/smoke.yaml")
        _run(folder, *smoke)
        return sorted(_run(folder, *smoke)[0] for _ in range(3))[1]


def lay_out(folder: Path) -> Path:
    """Copy the workflow's files into ``folder``."""
    for name in ("Snakefile", "config.yaml", "sources.lock.yaml"):
        shutil.copy(ROOT / name, folder / name)
    for name in ("rules", "profiles", "studies"):
        shutil.copytree(ROOT / name, folder / name)
    return folder


def _run(folder: Path, *arguments: str) -> tuple[float, int]:
    """Run Snakemake; return seconds and the peak memory in MB."""
    began = time.perf_counter()
    command = [str(Path(sys.executable).with_name("snakemake")), "--cores", "2", *arguments]
    script = (
        "import resource, subprocess, sys; r = subprocess.run(sys.argv[1:], capture_output=True);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024);"
        "sys.exit(r.returncode)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *command],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return time.perf_counter() - began, int(done.stdout)


if __name__ == "__main__":
    main()
