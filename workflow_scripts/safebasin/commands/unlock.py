"""Clear the working directory's Snakemake lock if its holder is provably dead.

A running Snakemake holds an operating-system lock on ``receipts/.running``, which dies with it.
"""

from __future__ import annotations

import argparse
import fcntl
import os
from contextlib import suppress
from pathlib import Path

from safebasin.errors import RequestError
from safebasin.store.receipts import RECEIPTS

RUNNING = ".running"
LOCKS = Path(".snakemake/locks")

EXAMPLE = "safebasin unlock"


def hold_running(directory: Path) -> int:
    """Hold the mark of a living Snakemake until this process ends; return its descriptor.

    A file system without locks keeps none; ``run`` refuses to clear anything there.
    """
    path = directory / RECEIPTS / RUNNING
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    with suppress(OSError):
        fcntl.flock(handle, fcntl.LOCK_SH)
    return handle


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command has no arguments."""
    del parser


def run(options: argparse.Namespace) -> int:
    """Remove the lock files.

    Raises:
        RequestError: a Snakemake is alive in this directory, or may be.
    """
    del options
    locks = sorted(LOCKS.glob("*")) if LOCKS.is_dir() else []
    if not locks:
        return 0
    mark = RECEIPTS / RUNNING
    if not mark.exists():
        raise RequestError(
            "the directory is locked, and not by a run of this workflow; "
            "if no Snakemake runs here, `snakemake --unlock` clears it"
        )
    handle = os.open(mark, os.O_RDWR)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise RequestError("a Snakemake is running in this directory; wait for it") from None
    except OSError as problem:
        raise RequestError(
            f"this file system has no locks ({problem.strerror}) that would tell whether a "
            "Snakemake runs in this directory; if none does, `snakemake --unlock` clears it"
        ) from None
    else:
        for lock in locks:
            lock.unlink()
        print("cleared the lock of a Snakemake that was killed")
        return 0
    finally:
        os.close(handle)
