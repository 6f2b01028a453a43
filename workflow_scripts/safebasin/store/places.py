"""The folders that the store itself keeps: each is one, and an artifact can move between them."""

from __future__ import annotations

import os
from pathlib import Path

from safebasin.errors import MachineLacks
from safebasin.store.store import Store

_OWN = (".scratch", ".locks", ".redo")


def check_places(store: Store, kind: str) -> None:
    """Refuse, before any work, a store in which an artifact of ``kind`` could not be published.

    Raises:
        MachineLacks: a folder of the store is none, or leads to another file system than where the
            artifact is made: one rename must show all of it.
    """
    folders = [store.root, store.root / kind, *(store.root / name for name in _OWN)]
    there = [folder for folder in folders if os.path.lexists(folder)]
    for folder in there:
        if not folder.is_dir():
            raise MachineLacks(
                f"{folder}, where the store keeps a folder, {_what(folder)}; put that right, or "
                "name another store (--store, SAFEBASIN_STORE or the profile's `store`)"
            )
    ends = [folder for folder in (store.root / kind, store.scratch("")) if folder in there]
    apart = [folder for folder in ends if folder.stat().st_dev != store.root.stat().st_dev]
    if apart:
        raise MachineLacks(
            f"{apart[0]} leads to another file system than {store.root}: a finished artifact is "
            "moved from .scratch to its place in one step, which no two file systems can do; move "
            "the whole store there"
        )


def _what(path: Path) -> str:
    """Say what is there instead of a folder."""
    if not path.is_symlink():
        return "is a file"
    return f"is a link to {path.readlink()}, where no folder is (a disk that is not mounted?)"
