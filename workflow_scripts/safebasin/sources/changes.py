"""Whether a local folder still has the bytes that were locked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from safebasin.sources.folder_files import files_below
from safebasin.sources.lock import LockEntry
from safebasin.sources.patterns import matching

_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What is no longer as it was locked, by name."""

    edited: Sequence[str] = ()
    new: Sequence[str] = ()
    gone: Sequence[str] = ()
    linked: Sequence[str] = ()
    """Links that lead out of the folder; they are not followed."""

    def __bool__(self) -> bool:
        """Return whether there are any."""
        return bool(self.edited or self.new or self.gone or self.linked)

    def __str__(self) -> str:
        """Return them in a few words."""
        told = {
            "other bytes": self.edited,
            "new": self.new,
            "gone": self.gone,
            "a link out of the folder": self.linked,
        }
        return "; ".join(f"{what}: {_listed(names)}" for what, names in told.items() if names)


def changes_of(
    root: Path,
    entry: LockEntry,
    patterns: Sequence[str],
    optional: Sequence[str],
    hash_of: Callable[[Path], str],
) -> Changes:
    """Return what is not as it was locked among the files of ``root`` that the patterns name.

    Args:
        root: the folder.
        entry: what was locked of it.
        patterns: globs of the files that a study wants.
        optional: globs of files that it takes where there are some.
        hash_of: the SHA-256 of a file; it is asked only where the size is the locked one.

    Raises:
        OSError: the folder or a file of it cannot be read.
    """
    wanted, home = (*patterns, *optional), root.resolve()
    found = matching(files_below(root, wanted), wanted)
    locked = set(matching(entry.files, wanted))
    linked = [
        name
        for name in found
        if (path := root / name).is_symlink() and not path.resolve().is_relative_to(home)
    ]
    kept = locked.intersection(found).difference(linked)

    def is_edited(name: str) -> bool:
        path, record = root / name, entry.files[name]
        return path.stat().st_size != record.size or hash_of(path) != record.sha256

    return Changes(
        edited=[name for name in sorted(kept) if is_edited(name)],
        new=[name for name in found if name not in locked],
        gone=sorted(locked.difference(found)),
        linked=linked,
    )


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    shown = [name if name.isprintable() else repr(name) for name in names[:_NAMED]]
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")
