"""A job's own GPUs on a machine with several: Snakemake counts them and says not which.

A GPU is leased by the lock on a file of its name, so that a process that dies, however it dies,
lets go of it. The files of one user on one machine lie in one folder; whoever shares the GPUs with
other users or containers names a folder that all of them can write, in ``SAFEBASIN_LEASES``.
"""

from __future__ import annotations

import fcntl
import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from safebasin.errors import MachineLacks
from safebasin.visible_gpus import visible_gpus

FOLDER = "SAFEBASIN_LEASES"
_VISIBLE = "CUDA_VISIBLE_DEVICES"
_PAUSE = 0.2
"""Seconds between two looks at leased GPUs: no lock waits for any one of several files."""


@contextmanager
def leased(count: int, waiting: Callable[[str], None]) -> Iterator[list[str]]:
    """Hold ``count`` of the visible GPUs, and let this process see no others.

    To be entered before torch is imported: ``CUDA_VISIBLE_DEVICES`` names what was leased, by UUID,
    until the lease ends.

    Args:
        count: How many; 1 or more.
        waiting: Is told once if others hold too many of them.

    Raises:
        MachineLacks: there are not so many, whoever holds them.
    """
    gpus = visible_gpus()
    _check(count, gpus)
    handles = _wait_for(count, gpus, waiting)
    try:
        with show_only(list(handles)):
            yield list(handles)
    finally:
        _close(handles.values())


@contextmanager
def show_only(gpus: Sequence[str]) -> Iterator[None]:
    """Let CUDA show this process these GPUs alone; none hides all."""
    kept = os.environ.get(_VISIBLE)
    os.environ[_VISIBLE] = ",".join(gpus)
    try:
        yield
    finally:
        if kept is None:
            del os.environ[_VISIBLE]
        else:
            os.environ[_VISIBLE] = kept


def _check(count: int, gpus: Sequence[str]) -> None:
    told = os.environ.get(_VISIBLE)
    if len(gpus) < count:
        raise MachineLacks(
            f"{count} GPU(s) were granted and {len(gpus)} can be seen here, where `nvidia-smi -L` "
            f"must list them (CUDA_VISIBLE_DEVICES={'unset' if told is None else repr(told)}): let "
            "the profile promise no more GPUs than the machine has (--resources gpu=N), ask the "
            "scheduler for a GPU, or run on the CPU with gpu=0"
        )
    if count > 1 and any(gpu.startswith("MIG-") for gpu in gpus):
        raise MachineLacks(
            f"{count} GPUs were granted and these are MIG instances, of which CUDA shows a process "
            "only one: set gpu to 1, or give the job whole GPUs"
        )


def _wait_for(count: int, gpus: Sequence[str], waiting: Callable[[str], None]) -> dict[str, int]:
    """Return name and open lock of ``count`` GPUs.

    A job takes all that it needs in one go or none, and one job tries at a time: two that each hold
    half of what both need cannot come about.
    """
    folder = _folder()
    told = False
    while True:
        with _turn(folder):
            held = _free(folder, count, gpus)
        if len(held) == count:
            return held
        _close(held.values())
        if not told:
            waiting(f"waiting for {count} of {len(gpus)} GPU(s): other jobs hold them")
            told = True
        time.sleep(_PAUSE)


def _free(folder: Path, count: int, gpus: Sequence[str]) -> dict[str, int]:
    """Lock the first GPUs that nobody holds, ``count`` at most."""
    held: dict[str, int] = {}
    for gpu in gpus:
        if len(held) == count:
            break
        handle = _open(folder / gpu.replace("/", "_"))
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
        else:
            held[gpu] = handle
    return held


@contextmanager
def _turn(folder: Path) -> Iterator[None]:
    handle = _open(folder / "turn")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _open(path: Path) -> int:
    """Open a lock file; programs that the job starts do not inherit it."""
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except PermissionError:  # another user's, with the usual umask: to lock it is to read it
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)


def _close(handles: Iterable[int]) -> None:
    for handle in handles:
        os.close(handle)


def _folder() -> Path:
    """Return the folder of the lock files.

    It is not TMPDIR, which differs from job to job, nor the session's runtime folder, which is
    deleted when the user logs out.

    Raises:
        MachineLacks: somebody else made it.
    """
    told = os.environ.get(FOLDER)
    folder = Path(told or f"/tmp/safebasin-{os.getuid()}")
    folder.mkdir(mode=0o777 if told else 0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if not told and (found.st_uid != os.getuid() or not stat.S_ISDIR(found.st_mode)):
        raise MachineLacks(
            f"{folder} is another user's, and GPUs are leased by files in it: name a folder of "
            f"your own in {FOLDER}"
        )
    return folder
