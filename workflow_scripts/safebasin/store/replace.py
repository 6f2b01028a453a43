"""Putting an artifact in the place of another, so that a kill leaves the one or the other."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from safebasin.errors import DamagedInput
from safebasin.resume.durable import discard
from safebasin.store.artifact import MANIFEST, FileRecord, manifest_text
from safebasin.store.made_from import made_from_other_bytes
from safebasin.store.redo import ask
from safebasin.store.spec import Spec
from safebasin.store.store import Store


def replace(store: Store, home: Path, made: Path) -> None:
    """Move the folder ``made`` to ``home``; what is there waits aside until that is done.

    The caller holds the lock of the digest, and answers the request afterwards.
    """
    aside = _aside(store, home.name)
    discard(aside)
    if (home / MANIFEST).exists():
        # After a kill the request must tell that what was made from it may follow, too.
        ask(store, home.parent.name, home.name)
    if os.path.lexists(home):
        _move_aside(home, aside)
    made.rename(home)
    discard(aside)


def put_back(store: Store, home: Path) -> None:
    """Put back the artifact that a replacing which was killed had moved aside.

    The caller holds the lock of the digest.
    """
    aside = _aside(store, home.name)
    if not os.path.lexists(home / MANIFEST) and (aside / MANIFEST).is_file():
        discard(home)  # what a kill in a removing left of it
        aside.rename(home)
    discard(aside)


def earlier_manifest(store: Store, spec: Spec, files: Mapping[str, FileRecord]) -> str | None:
    """Return the manifest of what is replaced, if it is of an older form and tells the same files.

    If no input of it was made again either, no byte is another one than before, and what was made
    from it goes by that manifest.
    """
    try:
        before = store.find(spec)
    except DamagedInput:
        return None
    if before is None or before.format > 1 or before.files != files:
        return None
    if made_from_other_bytes(store, before):
        return None
    return manifest_text(spec, files, form=before.format)


def _move_aside(home: Path, aside: Path) -> None:
    """Rename the folder, or copy and remove it where it lies in a lower layer of an overlay.

    So do those of a store that came with a container's image: such a folder cannot be renamed.
    """
    try:
        home.rename(aside)
    except OSError as problem:
        if problem.errno != errno.EXDEV:
            raise
        copy = aside.with_name(f"{aside.name}.copy")
        discard(copy)
        shutil.copytree(home, copy, symlinks=True)
        copy.rename(aside)
        (home / MANIFEST).unlink(missing_ok=True)  # what is left of it counts for nothing
        shutil.rmtree(home)


def _aside(store: Store, digest: str) -> Path:
    return store.root / ".scratch" / f"{digest}.replaced"
