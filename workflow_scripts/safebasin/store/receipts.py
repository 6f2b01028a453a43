"""Receipts: what Snakemake sees of the store.

A receipt is a byte copy of ``artifact.json`` in the working directory. Snakemake may delete
receipts as it likes; finished work stays in the store.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from safebasin.errors import DamagedInput
from safebasin.store.artifact import MANIFEST, cure, read_artifact
from safebasin.store.made_from import made_from_other_bytes, manifest_of, unasked
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

    A receipt is laid where the artifact is published and stands. It is dropped where the artifact
    is gone, is to be made again or is refused, and of all that was made from such a one: Snakemake
    looks at no input whose outputs are all there. A second call changes nothing. Only receipts are
    touched, and of the store only manifests are read.

    Args:
        store: where the artifacts are.
        wanted: which, inputs before what is made from them.
        directory: the working directory.

    Returns:
        Why artifacts that are there are refused.
    """
    look = _Look(store=store)
    for kind, digest in wanted:
        path = directory / receipt_path(kind, digest)
        if look.stands(kind, digest):
            _lay(store, kind, digest, path)
        else:
            path.unlink(missing_ok=True)
    return look.refused


@dataclass(kw_only=True)
class _Look:
    """A look at artifacts one after the other, inputs first."""

    store: Store
    refused: list[str] = field(default_factory=list)
    moving: set[str] = field(default_factory=set)
    """Digests of what is there and does not stand, and of what was made from it."""
    hash_of: Callable[[Path], str | None] = field(default_factory=lambda: cache(manifest_of))

    def stands(self, kind: str, digest: str) -> bool:
        """Return whether the artifact is there and nothing about it is to be done."""
        if not self.store.holds(kind, digest):
            return False
        if is_asked(self.store, digest) or not self._is_sound(kind, digest):
            self.moving.add(digest)
        return digest not in self.moving

    def _is_sound(self, kind: str, digest: str) -> bool:
        try:
            artifact = read_artifact(self.store.home(kind, digest))
        except (DamagedInput, OSError) as problem:
            self.refused.append(str(problem))
            return False
        others = made_from_other_bytes(self.store, artifact, self.hash_of)
        if (other := unasked(others)) is not None:
            self.refused.append(f"{kind} {digest} {other}; {cure(digest)} from these")
        return not others and self.moving.isdisjoint(artifact.spec.inputs.values())


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
