"""Putting an artifact in the place of another, so that a kill leaves the one or the other."""

from __future__ import annotations

import os
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
        home.rename(aside)
    made.rename(home)
    discard(aside)


def put_back(store: Store, home: Path) -> None:
    """Put back the artifact that a replacing which was killed had moved aside.

    The caller holds the lock of the digest.
    """
    aside = _aside(store, home.name)
    if not os.path.lexists(home) and (aside / MANIFEST).is_file():
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


def _aside(store: Store, digest: str) -> Path:
    return store.root / ".scratch" / f"{digest}.replaced"
