"""A job that is cancelled, preempted or out of time resumes; one whose Snakemake died is found."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from safebasin.store.receipts import receipt_path
from safebasin.store.store import Store

from ..workflow import SNAKEMAKE, lay_out
from .conftest import Cluster
from .site import ON_CPU, SITE, adapter_of, layer, name_the_site

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(1200)]


STEPS = (1000, 4000, 16000)
"""Of a run that is to be stopped in its midst: a machine that is done before is given more to do.
Its first line, by which it is seen to train, comes after ten seconds."""


class Tuning:
    """A working directory that shall make one adapter, in a training run of a minute or so."""

    def __init__(
        self, cluster: Cluster, folder: Path, store: Path, steps: int, retries: int = 0
    ) -> None:
        self.cluster, self.folder, self.store = cluster, lay_out(folder), Store(store)
        name_the_site(self.folder)
        study = layer(self.folder, f"training: {{steps: {steps}}}")
        self.digest = adapter_of(self.folder, study)
        receipt = receipt_path("adapter", self.digest)
        self.command = [SNAKEMAKE, *SITE, *ON_CPU, "--configfile", *study]
        self.command += ["--retries", str(retries), "--", receipt]
        self.rule = f"tune_adapter_wildcards_{self.digest}"
        self.log = self.folder / "logs" / "tune_adapter" / f"{self.digest}.log"

    @contextmanager
    def started(self) -> Iterator[subprocess.Popen[bytes]]:
        """Start Snakemake, which the end kills if it is still there."""
        with (self.folder / "told").open("ab") as told:
            process = subprocess.Popen(
                self.command,
                cwd=self.folder,
                env={**self.cluster.environment, "SAFEBASIN_STORE": str(self.store.root)},
                stdout=told,
                stderr=told,
                start_new_session=True,
            )
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def told(self) -> str:
        """Return what Snakemake has said so far."""
        return (self.folder / "told").read_text()

    def running(self) -> dict[str, str]:
        """Return the job once it runs."""
        return self.cluster.wait_for(self.rule, "RUNNING")

    def trains(self) -> bool:
        """Say whether training steps are done."""
        return self.log.is_file() and "training steps" in self.log.read_text()


def test_a_cancelled_job_goes_on_where_it_was_on_another_node(on_slurm, cluster, tmp_path):
    for steps in STEPS:
        run = Tuning(cluster, tmp_path / f"cancelled-{steps}", on_slurm / "store", steps)
        with run.started() as snakemake:
            job = run.running()
            assert job["NodeList"] == "gpu1"
            cluster.until(run.trains, "it trains")
            cluster.ask("scancel", job["JobId"])
            ended = snakemake.wait(300)
        stopped = re.search(r"asked to stop \(SIGTERM\): (\d+) steps are done", run.log.read_text())
        if stopped:
            break
    assert stopped, run.log.read_text()
    assert ended == 1, run.told()
    assert run.store.get("adapter", run.digest) is None

    name_the_site(run.folder, partition="spare")
    with run.started() as snakemake:
        assert snakemake.wait(600) == 0, run.told()
    left = steps - int(stopped[1])
    assert f"training steps {left}/{left}" in run.log.read_text()
    assert cluster.jobs(run.rule)[-1]["NodeList"] == "gpu2"
    made = run.store.get("adapter", run.digest)
    assert made is not None
    assert made.run()["resumed"] is True


def test_an_orphan_that_ends_after_snakemake_died_is_found(on_slurm, cluster, tmp_path):
    """The second Snakemake starts while the orphan is at work, and sends a second job."""
    run = Tuning(cluster, tmp_path / "orphan", on_slurm / "store", steps=700)
    with run.started() as snakemake:
        orphan = run.running()
        snakemake.kill()
        snakemake.wait()
    unlock = [sys.executable, "-m", "safebasin", "unlock"]
    subprocess.run(unlock, cwd=run.folder, check=True)
    with run.started() as snakemake:
        assert snakemake.wait(600) == 0, run.told()
    jobs = cluster.jobs(run.rule)
    assert [job["JobState"] for job in jobs] == ["COMPLETED"] * len(jobs)
    assert jobs[0]["JobId"] == orphan["JobId"]
    made = run.store.get("adapter", run.digest)
    assert made is not None
    assert made.run()["resumed"] is False
    assert f"adapter {run.digest} was in the store" in run.log.read_text()


def test_a_preempted_job_waits_its_turn_and_goes_on(on_slurm, cluster, tmp_path):
    """Slurm's own queue brings it back: Snakemake sends it once."""
    urgent = ["--partition=urgent", "--gres=gpu:1", "--mem=100", "--output=/dev/null"]
    for steps in STEPS:
        run = Tuning(cluster, tmp_path / f"preempted-{steps}", on_slurm / "store", steps + 100)
        with run.started() as snakemake:
            job = run.running()
            cluster.until(run.trains, "it trains")
            cluster.ask("sbatch", *urgent, "--wrap=true")
            assert snakemake.wait(600) == 0, run.told()
        (kept,) = cluster.jobs(run.rule)
        if int(kept["Restarts"]) == 1 and went_on(run, of=steps + 100):
            break
    assert kept["JobId"] == job["JobId"]
    assert int(kept["Restarts"]) == 1
    assert went_on(run, of=steps + 100)


def test_a_job_that_is_out_of_time_goes_on_in_the_next(on_slurm, cluster, tmp_path):
    """Slurm warns it two minutes before its three are over, give or take a minute."""
    for steps in (2500, 10000, 40000):
        run = Tuning(cluster, tmp_path / f"late-{steps}", on_slurm / "store", steps, retries=4)
        name_the_site(run.folder, minutes=3)
        with run.started() as snakemake:
            assert snakemake.wait(900) == 0, run.told()
        if len(jobs := cluster.jobs(run.rule)) > 1:
            break
    assert len(jobs) > 1
    assert {job["TimeLimit"] for job in jobs} == {"00:03:00"}
    assert went_on(run, of=steps)


def went_on(run: Tuning, of: int) -> bool:
    """Say whether the adapter was made by a job that did only what an earlier one had left."""
    made = run.store.get("adapter", run.digest)
    left = re.findall(r"training steps (\d+)/\1\b", run.log.read_text())
    assert made is not None
    return made.run()["resumed"] is True and bool(left) and int(left[-1]) < of
