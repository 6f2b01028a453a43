"""Putting a file in a second place without storing it twice, where the file system can."""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path
from typing import Literal

Way = Literal["reflink", "hard link", "copy"]

_FICLONE = 0x40049409
"""Linux: share the blocks of two files until one is written to (Btrfs, XFS, bcachefs)."""


def link_or_copy(source: Path, target: Path) -> Way:
    """Make ``target`` a file with the bytes of ``source``; say how.

    A reflink is tried first since the two files then stay independent, then a hard link, then a
    copy. Symbolic links are followed; ``target`` must not exist.

    Raises:
        OSError: the bytes cannot be copied either.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    real = source.resolve()
    if _reflink(real, target):
        return "reflink"
    try:
        os.link(real, target)
    except OSError:
        # Another disk, a file of somebody else's, a file system without links.
        shutil.copyfile(real, target)
        return "copy"
    return "hard link"


def _reflink(source: Path, target: Path) -> bool:
    with source.open("rb") as old, target.open("wb") as new:
        try:
            fcntl.ioctl(new.fileno(), _FICLONE, old.fileno())
        except OSError:
            pass
        else:
            return True
    target.unlink()
    return False
