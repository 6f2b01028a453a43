"""Where episodes have their folders: in one folder for each process, which goes with it.

A killed process removes nothing. So each holds a lock on its folder, which the kernel takes from
it however it dies, and the next process removes the folders of its user that nobody holds.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import subprocess
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

_PREFIX = "safebasin-toolshell-"


def make_room() -> Path:
    """Return a new folder that this process's end, or else the next process, removes."""
    return Path(tempfile.mkdtemp(dir=_own_folder(os.getpid())))


def remove_room(folder: str | Path) -> None:
    """Remove what agents' code may have made hard to remove; links are not followed."""
    with suppress(RecursionError):
        shutil.rmtree(folder, ignore_errors=True)
    if Path(folder).exists():  # locked or nested too deep for Python
        for command in (["chmod", "-R", "u+rwX"], ["rm", "-rf"]):
            subprocess.run([*command, "--", str(folder)], check=False, capture_output=True)


@cache
def _own_folder(process: int) -> Path:
    """Return the folder of ``process``, this one: a fork gets its own."""
    for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        _remove_if_free(left)
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        if _lock(folder) is not None:
            break
    atexit.register(_remove_own, folder, process)
    return folder


def _remove_own(folder: Path, process: int) -> None:
    if os.getpid() == process:
        remove_room(folder)


def _lock(folder: Path) -> int | None:
    """Return the descriptor that holds the folder, or None where another process was faster."""
    held: int | None = None
    with suppress(OSError):
        held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(held), folder.stat(follow_symlinks=False)):
            return held
    if held is not None:
        os.close(held)
    return None


def _remove_if_free(folder: Path) -> None:
    with suppress(OSError):
        if folder.stat(follow_symlinks=False).st_uid != os.geteuid():
            return
        held = _lock(folder)
        if held is not None:
            remove_room(folder)
            os.close(held)
