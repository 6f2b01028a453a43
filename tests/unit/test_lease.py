"""GPUs are leased by real processes and real locks; only the list of them is made up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from safebasin import lease
from safebasin.errors import MachineLacks
from safebasin.lease import FOLDER, leased, show_only
from safebasin.visible_gpus import visible_gpus

WHOLE = [f"GPU-{letter * 8}-0000" for letter in "abc"]
LIST = "".join(
    f"GPU {place}: NVIDIA Testing 80GB (UUID: {uuid})\n" for place, uuid in enumerate(WHOLE)
)
SPLIT = """GPU 0: NVIDIA Testing 80GB (UUID: GPU-aaaaaaaa-0000)
  MIG 1g.10gb     Device  0: (UUID: MIG-11111111-0000)
  MIG 1g.10gb     Device  1: (UUID: MIG-22222222-0000)
GPU 1: NVIDIA Testing 80GB (UUID: GPU-bbbbbbbb-0000)
"""
PARTS = ["MIG-11111111-0000", "MIG-22222222-0000"]

HOLDER = """
    import os, sys
    from safebasin.lease import leased

    with leased(int(sys.argv[1]), lambda told: print(told, flush=True)):
        print(os.environ["CUDA_VISIBLE_DEVICES"], flush=True)
        sys.stdin.readline()
"""

Machine = Callable[[str], None]


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine with three GPUs; the function it is makes it another one."""
    folder = tmp_path / "bin"
    folder.mkdir()

    def show(text: str) -> None:
        program = folder / "nvidia-smi"
        program.write_text(f"#!/bin/sh\ncat <<'END'\n{text}END\n")
        program.chmod(0o755)

    show(LIST)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv(FOLDER, str(tmp_path / "leases"))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return show


@pytest.fixture
def hold() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start processes that lease GPUs and keep them until their input ends."""
    started: list[subprocess.Popen[str]] = []

    def start(count: int = 1, **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(HOLDER), str(count)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def line(process: subprocess.Popen[str]) -> str:
    """Return what the process says next."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.mark.parametrize(
    ("told", "seen"),
    [
        (None, WHOLE),
        ("1", WHOLE[1:2]),
        ("2,0", [WHOLE[2], WHOLE[0]]),
        ("0,0", WHOLE[:1]),
        ("GPU-bbbb", WHOLE[1:2]),
        ("0,-1,1", WHOLE[:1]),
        ("0,7,1", WHOLE[:1]),
        ("GPU-", []),
        ("", []),
        ("NoDevFiles", []),
    ],
)
def test_visible_devices_are_read_as_cuda_reads_them(
    told: str | None, seen: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if told is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", told)
    assert visible_gpus() == seen


@pytest.mark.parametrize(
    ("told", "seen"),
    [
        (None, [*PARTS, "GPU-bbbbbbbb-0000"]),
        ("0", PARTS),
        ("MIG-2222", PARTS[1:]),
        ("GPU-aaaaaaaa-0000", PARTS),
        ("MIG-22222222-0000,1", [PARTS[1], "GPU-bbbbbbbb-0000"]),
    ],
)
def test_a_split_gpu_counts_by_its_instances(
    told: str | None, seen: list[str], machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine(SPLIT)
    if told is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", told)
    assert visible_gpus() == seen


def test_without_the_drivers_tool_only_named_devices_are_seen(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert visible_gpus() == []
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "MIG-1/2,3")
    assert visible_gpus() == ["MIG-1/2", "3"]


def test_jobs_get_different_gpus_and_the_next_waits_until_one_is_done(hold) -> None:
    jobs = [hold() for _ in range(3)]
    assert {line(job) for job in jobs} == set(WHOLE)

    late = hold()
    assert line(late) == "waiting for 1 of 3 GPU(s): other jobs hold them"
    jobs[1].communicate("done\n")
    assert line(late) in WHOLE


def test_a_killed_job_lets_go(hold) -> None:
    first = hold(3)
    assert line(first) == ",".join(WHOLE)
    first.send_signal(signal.SIGKILL)
    first.wait()

    assert line(hold(3)) == ",".join(WHOLE)


def test_a_program_that_outlives_the_job_does_not_keep_its_gpu() -> None:
    with leased(3, pytest.fail):
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        with leased(3, pytest.fail):
            pass
    finally:
        child.communicate()


def test_a_job_takes_all_its_gpus_or_none(hold) -> None:
    one = hold()
    held = line(one)
    large = hold(3)
    assert "waiting for 3 of 3" in line(large)

    rest = [hold(), hold()]  # the waiting job holds none of them back
    assert {held, *(line(job) for job in rest)} == set(WHOLE)
    for job in (one, *rest):
        job.communicate("done\n")
    assert line(large) == ",".join(WHOLE)


def test_jobs_with_names_and_with_numbers_mean_the_same_gpu(hold) -> None:
    assert line(hold(CUDA_VISIBLE_DEVICES="1")) == WHOLE[1]
    assert "waiting for 1 of 1" in line(hold(CUDA_VISIBLE_DEVICES=WHOLE[1]))


@pytest.mark.parametrize("told", [None, "", "0"])
def test_more_gpus_than_there_are_is_an_error_at_once(
    told: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if told is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", told)
    seen = "unset" if told is None else f"'{told}'"
    with (
        pytest.raises(MachineLacks, match=rf"4 GPU.*CUDA_VISIBLE_DEVICES={seen}.*gpu=N"),
        leased(4, pytest.fail),
    ):
        pass


def test_two_instances_of_a_split_gpu_are_refused(machine: Machine) -> None:
    machine(SPLIT)
    with pytest.raises(MachineLacks, match="MIG"), leased(2, pytest.fail):
        pass


def test_the_environment_is_as_it_was_after_the_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    with leased(1, pytest.fail) as gpus:
        assert os.environ["CUDA_VISIBLE_DEVICES"] == gpus[0]
    assert "CUDA_VISIBLE_DEVICES" not in os.environ
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2")
    with show_only([]):
        assert os.environ["CUDA_VISIBLE_DEVICES"] == ""
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "2"


def test_a_folder_that_somebody_else_put_there_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(FOLDER)
    monkeypatch.setattr(os, "getuid", lambda: f"1-{tmp_path.name}")  # no user has this number
    folder = Path(f"/tmp/safebasin-1-{tmp_path.name}")
    folder.symlink_to(tmp_path)
    try:
        with pytest.raises(MachineLacks, match=FOLDER), leased(1, pytest.fail):
            pass
    finally:
        folder.unlink()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_users_with_the_usual_umask_share_one_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory(prefix="safebasin-leases-") as folder:
        Path(folder).chmod(0o777)
        monkeypatch.setenv(FOLDER, folder)
        monkeypatch.setattr(lease, "visible_gpus", lambda: WHOLE)
        with leased(1, pytest.fail):
            child = os.fork()
            if not child:
                os.setuid(60001)
                try:
                    with leased(1, pytest.fail) as held:
                        os._exit(0 if held == WHOLE[1:2] else 1)
                finally:
                    os._exit(2)
            assert os.waitpid(child, 0)[1] == 0
