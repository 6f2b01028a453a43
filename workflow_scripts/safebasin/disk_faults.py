"""What a full, closed or broken disk is told as: the place, the cause, the room left, the cure."""

from __future__ import annotations

import errno
import grp
import os
import pwd
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safebasin.errors import MachineLacks

_FREE = (
    "free some room or move the store (--store, SAFEBASIN_STORE or the profile's `store`); "
    "what is finished is kept, and the next try goes on from there"
)
_LOOK = "look at the disk or the server of this file system, then try again"
_READ_ONLY = (
    "a finished study can be looked at there, but what is missing must be made in a store that can "
    "be written"
)
_CURES = {
    errno.ENOSPC: _FREE,
    errno.EDQUOT: _FREE,
    errno.EFBIG: _FREE,
    errno.EROFS: _READ_ONLY,
    errno.EIO: _LOOK,
    errno.ESTALE: _LOOK,
    errno.ENAMETOOLONG: "name a shorter path",
    errno.ELOOP: "a link there leads back to itself",
    errno.EXDEV: "all folders of a store must lie in one file system",
    errno.EACCES: "",
    errno.EPERM: "",
}


@contextmanager
def disk_faults_told(folder: Path) -> Iterator[None]:
    """Turn a fault of the disk into one message; ``folder`` is the place where none is named.

    Raises:
        MachineLacks: what is written to or read from is full, closed or broken.
    """
    try:
        yield
    except OSError as problem:
        if problem.errno not in _CURES:
            raise
        raise disk_fault(problem, folder) from problem


def disk_fault(problem: OSError, folder: Path) -> MachineLacks:
    """Return the error of ``problem``, which named a file or happened in ``folder``."""
    told = (problem.filename2, problem.filename)  # of two, the second is the one that is written
    named = [each for each in told if isinstance(each, str | bytes | os.PathLike)]
    path = Path(os.fsdecode(named[0])) if named else folder
    near = path if _seen(path) else _nearest(path)
    what = os.strerror(problem.errno) if problem.errno else str(problem)
    cure = _CURES.get(problem.errno or 0, _LOOK) or _rights(near)
    return MachineLacks(f"{path}: {what} ({_free(near)} on that disk); {cure}")


def _nearest(path: Path) -> Path:
    """Return the closest folder above ``path`` that is there and can be seen."""
    return next((each for each in path.absolute().parents if _seen(each)), Path("/"))


def _seen(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False


def _free(path: Path) -> str:
    try:
        return f"{shutil.disk_usage(path).free} bytes are free"
    except OSError:
        return "nobody knows how much is free"


def _rights(path: Path) -> str:
    """Say whose ``path`` is, and how several users write in one store."""
    try:
        found = path.stat()
    except OSError:
        return "let this user read and write there"
    owner, group = _named(pwd.getpwuid, found.st_uid), _named(grp.getgrgid, found.st_gid)
    mode = stat.filemode(found.st_mode)
    return (
        f"{path} is {owner}'s, of the group {group} and the mode {mode}, and this is "
        f"{_named(pwd.getpwuid, os.geteuid())}. Let its owner give the right to it (a store of "
        "several users: docs/store.md), or name a store of your own (--store, SAFEBASIN_STORE)"
    )


def _named(look: object, number: int) -> str:
    try:
        return str(look(number)[0])  # type: ignore[operator]
    except KeyError:
        return str(number)
