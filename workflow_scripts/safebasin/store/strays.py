"""What lies in a store's scratch: the work of living jobs, and what ended ones left."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from safebasin.resume.durable import discard
from safebasin.store.lock import is_held, try_lock
from safebasin.store.sharing import shared_as
from safebasin.store.store import Store

_OURS = re.compile(r"\.?([0-9a-f]{16})(?!\.replaced$)(\..*)?", re.DOTALL)
"""Not what a replacing that was killed moved aside: that is a whole artifact, and is put back. A
file that a kill cut short has a dot in front."""
_DAY = 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stray:
    """One file or folder in ``.scratch``."""

    path: Path
    digest: str | None
    """Whose work it is; None where the name is none that this program gives."""
    size: int
    days: float
    """Since its job last wrote to it, or to what else it left: a state is worth nothing without the
    note, perhaps much older, of what it was begun from."""

    def __str__(self) -> str:
        """Return name, size and age as one line."""
        name = self.path.name.encode("unicode_escape").decode("ascii")
        return f"{name}: {self.size / 1e6:.2f} MB, {self.days:.1f} days old"


def strays(store: Store) -> list[Stray]:
    """Return all that lies in ``.scratch``, by name; nothing is locked or written."""
    folder = store.root / ".scratch"
    found = [_look(path) for path in sorted(folder.iterdir())] if folder.is_dir() else []
    youngest: dict[str, float] = {}
    for each in found:
        if each.digest is not None:
            youngest[each.digest] = min(each.days, youngest.get(each.digest, each.days))
    return [replace(each, days=youngest.get(each.digest or "", each.days)) for each in found]


def held(store: Store, stray: Stray) -> bool:
    """Say whether a job is at work with it, on this host or perhaps on another."""
    return stray.digest is not None and is_held(store.lock_file(stray.digest))


def clear(store: Store, found: Iterable[Stray]) -> Iterator[Stray]:
    """Delete what no job is at work with, and yield it once it is gone.

    What has a name that this program does not give is left alone: nothing tells whose it is.
    """
    with shared_as(store.root):
        for stray in found:
            if stray.digest is None:
                continue
            with try_lock(store.lock_file(stray.digest)) as free:
                if free:
                    discard(stray.path)
            if free:
                yield stray


def _look(path: Path) -> Stray:
    named = _OURS.fullmatch(path.name)
    stats = [found for found in (_stat(each) for each in [path, *_below(path)]) if found]
    return Stray(
        path=path,
        digest=named[1] if named else None,
        size=sum(size for size, _ in stats),
        days=max(0.0, time.time() - max((time for _, time in stats), default=0.0)) / _DAY,
    )


def _below(path: Path) -> Iterator[Path]:
    """Yield what lies below, as far as this user may look."""
    try:
        if path.is_dir() and not path.is_symlink():
            for each in path.iterdir():
                yield each
                yield from _below(each)
    except OSError:
        return


def _stat(path: Path) -> tuple[int, float] | None:
    """Return bytes and time; a folder's own bytes are none."""
    try:
        found = path.lstat()
    except OSError:
        return None
    return (0 if path.is_dir() and not path.is_symlink() else found.st_size), found.st_mtime
