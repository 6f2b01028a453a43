"""A Slurm cluster on this machine: three virtual nodes, two of them with a GPU in name.

All of it lives in one folder and runs as whoever runs the tests; nothing under /etc is read. The
GPUs are /dev/null and /dev/zero: Slurm hands them out as it would any device, and nothing can be
computed there, so steps are told to compute on the CPU (``--config device=cpu``).
"""

from __future__ import annotations

import getpass
import os
import re
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ..workflow import lay_out, snakemake
from .site import ON_CPU, SITE, name_the_site, study_of

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "scancel", "srun")
SEARCHED = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
NODES = {"cpu1": None, "gpu1": "/dev/null", "gpu2": "/dev/zero"}

CONF = """\
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
# How long a job that went back into the queue waits there: the default is two minutes.
AuthInfo=socket={folder}/munge.socket,cred_expire=20
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SwitchType=switch/none
MpiDefault=none
# No cgroups: limits count for placement, nothing enforces them.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
GresTypes=gpu
# No database: the records are what scontrol still knows of jobs that ended.
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
MinJobAge=7200
SchedulerParameters=batch_sched_delay=0,sched_interval=2,bf_interval=2
# The nodes claim more cores than there may be.
SlurmdParameters=config_overrides
ReturnToService=2
KillWait=20
# Jobs of the partition `urgent` take the place of others, which go back into the queue.
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
"""


@dataclass
class Cluster:
    """A running cluster, and what it has on record."""

    folder: Path
    daemons: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to talk to this cluster."""
        return {
            **os.environ,
            "PATH": os.pathsep.join([str(self.folder / "bin"), SEARCHED]),
            "SLURM_CONF": str(self.folder / "slurm.conf"),
        }

    def start(self) -> None:
        """Start the daemons and wait until every node is idle."""
        self._configure()
        munge = ["munged", "--foreground", "--force", f"--key-file={self.folder}/munge.key"]
        paths = [f"--{name}={self.folder}/munge.{name}" for name in ("socket", "pid-file")]
        paths += [f"--{name}={self.folder}/munge.{name}" for name in ("log-file", "seed-file")]
        self._launch("munged", [*munge, *paths])
        self.until((self.folder / "munge.socket").exists, "munged opens its socket")
        self._launch("slurmctld", ["slurmctld", "-D"])
        for node in NODES:
            self._launch(f"slurmd-{node}", ["slurmd", "-D", "-N", node])
        ready = ["sinfo", "--noheader", "--Node", "--states=idle", "--format=%N"]
        self.until(lambda: set(self.ask(*ready).split()) == set(NODES), "the nodes are idle")

    def stop(self) -> None:
        """Cancel every job, then stop the daemons, last started first."""
        user = f"--user={getpass.getuser()}"
        self.ask("scancel", user)
        self.ask("scancel", "--full", "--signal=KILL", user)
        end = time.monotonic() + 30
        while self.ask("squeue", "--noheader", user) and time.monotonic() < end:
            time.sleep(0.2)
        for daemon in reversed(self.daemons):
            daemon.terminate()
            try:
                daemon.wait(20)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()

    def ask(self, *command: str) -> str:
        """Return what a Slurm command prints; nothing where it fails."""
        return subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=False
        ).stdout

    def jobs(self, rule: str = "", run: str = "") -> list[dict[str, str]]:
        """Return what is on record of all jobs (of ``rule``, of a ``run``), in their order."""
        lines = self.ask("scontrol", "--details", "--oneliner", "show", "job").splitlines()
        records = [
            dict(word.split("=", 1) for word in line.split() if "=" in word) for line in lines
        ]
        found = [
            each
            for each in records
            if each.get("Comment", "").startswith(f"rule_{rule}") and run in each["JobName"]
        ]
        return sorted(found, key=lambda job: int(job["JobId"]))

    def wait_for(self, rule: str, state: str, seconds: float = 600) -> dict[str, str]:
        """Return the newest job of ``rule`` once it is in ``state``."""
        newest: dict[str, str] = {}

        def seen() -> bool:
            newest.update((self.jobs(rule) or [{}])[-1])
            return newest.get("JobState") == state

        self.until(seen, f"a job of {rule} is {state}", seconds)
        return newest

    def _configure(self) -> None:
        (self.folder / "state").mkdir(mode=0o700)
        key = self.folder / "munge.key"
        key.write_bytes(secrets.token_bytes(1024))
        key.chmod(0o400)
        ports = iter(_free_ports(1 + len(NODES)))
        text = CONF.format(
            host=socket.gethostname().split(".")[0],
            user=getpass.getuser(),
            folder=self.folder,
            controller=next(ports),
        )
        host = socket.gethostname().split(".")[0]
        for node, device in NODES.items():
            text += (
                f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={next(ports)} CPUs=4 "
                f"RealMemory=32000 {'Gres=gpu:fake:1' if device else ''}\n"
            )
        for partition, node in {"cpu": "cpu1", "gpu": "gpu1", "spare": "gpu2"}.items():
            default = "YES" if partition == "cpu" else "NO"
            text += f"PartitionName={partition} Nodes={node} Default={default} MaxTime=INFINITE\n"
        text += "PartitionName=urgent Nodes=gpu1 PriorityTier=10 PreemptMode=OFF\n"
        (self.folder / "slurm.conf").write_text(text)
        (self.folder / "gres.conf").write_text(
            "AutoDetect=off\n"
            + "".join(
                f"NodeName={node} Name=gpu Type=fake File={device}\n"
                for node, device in NODES.items()
                if device
            )
        )
        self._wrap_srun()

    def _wrap_srun(self) -> None:
        """The plugin starts srun without SLURM_CONF, which only works with /etc/slurm."""
        wrapper = self.folder / "bin" / "srun"
        wrapper.parent.mkdir()
        real = shutil.which("srun", path=SEARCHED)
        wrapper.write_text(f'#!/bin/sh\nSLURM_CONF={self.folder}/slurm.conf exec {real} "$@"\n')
        wrapper.chmod(0o755)

    def _launch(self, name: str, command: list[str]) -> None:
        with (self.folder / f"{name}.log").open("wb") as log:
            self.daemons.append(
                subprocess.Popen(command, env=self.environment, stdout=log, stderr=log)
            )

    def until(self, reached: Callable[[], bool], what: str, seconds: float = 180) -> None:
        """Wait until ``reached``, which shall be that ``what``; a daemon that ended fails it."""
        end = time.monotonic() + seconds
        while not reached():
            dead = [daemon.args for daemon in self.daemons if daemon.poll() is not None]
            assert not dead, f"{dead} ended; its log is in {self.folder}"
            assert time.monotonic() < end, f"after {seconds} s: not yet that {what}; {self.folder}"
            time.sleep(0.2)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A running Slurm; its daemons end with the tests, however those end."""
    if missing := [name for name in PROGRAMS if not shutil.which(name, path=SEARCHED)]:
        pytest.skip(f"no Slurm here: {', '.join(missing)} not found (make test-slurm installs it)")
    running = Cluster(tmp_path_factory.mktemp("slurm"))
    try:
        running.start()
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="session")
def on_slurm(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The working directory of a smoke study that ran on the cluster."""
    folder = lay_out(tmp_path_factory.mktemp("on-slurm"))
    name_the_site(folder)
    told = snakemake(
        *(folder, *SITE, *ON_CPU, "--configfile", *study_of(folder)),
        cores=None,
        environment=cluster.environment,
    )
    (folder / "told").write_text(told)
    return folder


@pytest.fixture
def jobs(on_slurm: Path, cluster: Cluster) -> list[dict[str, str]]:
    """Slurm's records of the jobs of that study; Snakemake's run ID is the name of its jobs."""
    told = re.search(r"SLURM run ID: (\S+)", (on_slurm / "told").read_text())
    assert told
    return cluster.jobs(run=told[1])
