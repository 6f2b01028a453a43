"""Receipts: what Snakemake sees of the store.

A receipt is a byte copy of ``artifact.json`` in the working directory. Snakemake may delete
receipts as it likes; finished work stays in the store.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

from safebasin.errors import DamagedInput
from safebasin.store.artifact import MANIFEST, cure, read_artifact
from safebasin.store.made_from import made_from_other_bytes, manifest_of, may_follow
from safebasin.store.publish import write_atomically
from safebasin.store.redo import is_asked
from safebasin.store.store import Store

RECEIPTS = Path("receipts")
FIXED_MTIME = 1_000_000_000
"""All receipts carry one time (2001-09-09), so none is ever newer than another."""


def receipt_path(kind: str, digest: str) -> str:
    """Return the receipt's path, relative to the working directory."""
    return f"{RECEIPTS}/{kind}/{digest}.json"


def write_receipt(store: Store, kind: str, digest: str, path: Path) -> None:
    """Copy the artifact's manifest to ``path``."""
    manifest = store.home(kind, digest) / MANIFEST
    write_atomically(path, manifest.read_text(encoding="utf-8"))


def lay_receipts(store: Store, wanted: Iterable[tuple[str, str]], directory: Path) -> list[str]:
    """Make the receipts of ``wanted`` (kind, digest) say what the store holds.

    A receipt is laid where the artifact is published and stands, and dropped where it is gone, is
    to be made again, or is refused. A second call changes nothing. Only receipts are touched, and
    of the store only manifests are read.

    Returns:
        Why artifacts that are there are refused.
    """
    refused: list[str] = []
    hash_of = cache(manifest_of)
    for kind, digest in wanted:
        path = directory / receipt_path(kind, digest)
        if _stands(store, kind, digest, hash_of, refused):
            _lay(store, kind, digest, path)
        else:
            path.unlink(missing_ok=True)
    return refused


def _stands(
    store: Store,
    kind: str,
    digest: str,
    hash_of: Callable[[Path], str | None],
    refused: list[str],
) -> bool:
    """Return whether nothing is to be made; add to ``refused`` why what is there does not count."""
    if not store.holds(kind, digest) or is_asked(store, digest):
        return False
    try:
        artifact = read_artifact(store.home(kind, digest))
    except (DamagedInput, OSError) as problem:
        refused.append(str(problem))
        return False
    others = made_from_other_bytes(store, artifact, hash_of)
    if not may_follow(others):
        refused.append(f"{kind} {digest} {others[0]}; {cure(digest)} from these")
    return not others


def _lay(store: Store, kind: str, digest: str, path: Path) -> None:
    manifest = store.home(kind, digest) / MANIFEST
    try:
        stat = path.stat()
        same = (
            stat.st_size == manifest.stat().st_size and path.read_bytes() == manifest.read_bytes()
        )
    except FileNotFoundError:
        same = False
    if not same:
        write_receipt(store, kind, digest, path)
    elif int(stat.st_mtime) == FIXED_MTIME:
        return
    os.utime(path, (FIXED_MTIME, FIXED_MTIME))
