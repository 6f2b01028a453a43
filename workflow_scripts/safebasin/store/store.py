"""The layout of a store, finding artifacts in it, and the lock per digest."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from safebasin.errors import DamagedInput
from safebasin.store.artifact import MANIFEST, Artifact, read_artifact
from safebasin.store.kinds import KINDS
from safebasin.store.lock import hold_lock
from safebasin.store.spec import Spec


def store_folder(told: Path | None = None) -> Path:
    """Return where the store is: as told, else ``$SAFEBASIN_STORE``, else ``store``."""
    return Path(told or os.environ.get("SAFEBASIN_STORE") or "store")


@dataclass(frozen=True, slots=True)
class Store:
    """A folder of artifacts, ``<root>/<kind>/<digest>/``; many users and studies may share it."""

    root: Path

    def home(self, kind: str, digest: str) -> Path:
        """Return the folder where the artifact is, or will be."""
        return self.root / kind / digest

    def scratch(self, digest: str) -> Path:
        """Return the folder where the artifact is made; it survives a kill."""
        return self.root / ".scratch" / digest

    def lock_file(self, digest: str) -> Path:
        """Return the file that tells who is making the artifact."""
        return self.root / ".locks" / digest

    def holds(self, kind: str, digest: str) -> bool:
        """Say whether the artifact is published (one ``stat``; its bytes are not read)."""
        return (self.home(kind, digest) / MANIFEST).is_file()

    def find(self, spec: Spec) -> Artifact | None:
        """Return the artifact of ``spec``, or None while it is not published."""
        return self.get(spec.kind, spec.digest)

    def get(self, kind: str, digest: str) -> Artifact | None:
        """Return the artifact, or None while it is not published.

        Raises:
            DamagedInput: its manifest is not what was written.
        """
        try:
            return read_artifact(self.home(kind, digest))
        except (FileNotFoundError, NotADirectoryError):
            return None

    def artifacts(self, kind: str | None = None) -> Iterator[Artifact]:
        """Yield all published artifacts (of ``kind``), in order of kind and digest.

        A folder whose manifest cannot be read is passed over; ``verify`` names those.
        """
        for each in KINDS if kind is None else (kind,):
            folder = self.root / each
            for home in sorted(folder.iterdir()) if folder.is_dir() else ():
                try:
                    yield read_artifact(home)
                except (FileNotFoundError, NotADirectoryError, DamagedInput):
                    continue

    @contextmanager
    def lock(self, digest: str, waiting: Callable[[], None] | None = None) -> Iterator[None]:
        """Hold the lock of ``digest``; a process that dies lets go of it, on any host.

        ``waiting`` is called once if another process holds it.
        """
        with hold_lock(self.lock_file(digest), waiting):
            yield
