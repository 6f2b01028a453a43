"""Hashes of a folder's files, remembered so that a file is hashed once and not at every look.

A file is taken for the one that was hashed where its size, times and inode are the same. That is
kept in the working directory, for this machine alone: a clone of a repository has other times, so
there each file is hashed once.
"""

from __future__ import annotations

import json
import time
from hashlib import sha256
from pathlib import Path
from typing import Any

from safebasin.sources.lock import record_of
from safebasin.store.publish import write_atomically
from safebasin.store.receipts import RECEIPTS

SEEN = RECEIPTS / "folders"
"""Whoever deletes it only makes the next look slower."""
RACY = 2_000_000_000
"""Nanoseconds. A file that changed so shortly before it was hashed may have changed again within
one tick of the file system's clock, with no new time to show for it; it is hashed at every look
until it is older."""

Stamp = list[int]
"""Size, mtime and ctime in nanoseconds, inode."""


class HashesSeen:
    """What the files of one folder were when they were hashed last."""

    def __init__(self, root: Path, directory: Path) -> None:
        """Read what the working ``directory`` keeps of the folder ``root``."""
        named = str(root.absolute()).encode(errors="surrogateescape")
        self._path = directory / SEEN / f"{sha256(named).hexdigest()[:16]}.json"
        self._known = _read(self._path)
        self._is_new = False

    def hash_of(self, path: Path) -> str:
        """Return the SHA-256 of a file, hashed anew where it may be another.

        Raises:
            OSError: the file cannot be read.
        """
        stamp, began = _stamp(path), time.time_ns()
        hashed, known = self._known.get(str(path), (None, None))
        if hashed is not None and known == stamp:
            return hashed
        hashed = record_of(path).sha256
        if max(stamp[1:3]) < began - RACY and _stamp(path) == stamp:
            self._known[str(path)] = hashed, stamp
            self._is_new = True
        return hashed

    def save(self) -> None:
        """Keep what was hashed; where nothing can be written, the next look hashes again."""
        if not self._is_new:
            return
        try:
            write_atomically(self._path, json.dumps(self._known, sort_keys=True) + "\n")
        except OSError:
            return


def _read(path: Path) -> dict[str, tuple[str | None, Any]]:
    """Return what is kept; what is torn or strange is as if it were not there."""
    try:
        return {
            str(name): (str(hashed), stamp)
            for name, (hashed, stamp) in json.loads(path.read_bytes()).items()
        }
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _stamp(path: Path) -> Stamp:
    told = path.stat()
    return [told.st_size, told.st_mtime_ns, told.st_ctime_ns, told.st_ino]
