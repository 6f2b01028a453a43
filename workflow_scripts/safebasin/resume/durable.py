"""Changes to a folder that a kill or a power cut leaves done or not done, and never half."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

GONE = ".gone"
"""Ends the name of what is being deleted: whatever is left of it, it is not what it was."""


def write_durably(path: Path, text: str) -> None:
    """Write ``text`` to a file of its own and wait for the disk; then it takes the name ``path``.

    A reader sees the old file or the new one. Where the disk is full, nothing is left behind.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_file(path: Path) -> None:
    """Make the bytes of a file durable."""
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


def sync_folder(folder: Path) -> None:
    """Make the folder's entries durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def discard(path: Path) -> None:
    """Delete a file or folder, if it is there; its name is free from the first moment on.

    But not that of a folder in a lower layer of an overlay (what a container's image holds): none
    there can be renamed.
    """
    gone = path.with_name(f"{path.name}{GONE}")
    _remove(gone)  # a kill in an earlier clearing
    try:
        path.rename(gone)
    except FileNotFoundError:
        return
    except OSError as problem:
        if problem.errno != errno.EXDEV:
            raise
        _remove(path)
    _remove(gone)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
