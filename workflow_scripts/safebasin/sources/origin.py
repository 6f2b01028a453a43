"""What every kind of source offers, and which kind an origin names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from safebasin.errors import StudyError
from safebasin.progress import Progress
from safebasin.sources.lock import ArchiveRecord, FileRecord
from safebasin.sources.repository import Repository
from safebasin.sources.wanted import WantedFile


class Source(Protocol):
    """One place that files come from: a package, a folder, a repository on a hub."""

    careful: bool
    """Whether pickles and code are left out, however they are asked for."""

    @property
    def key(self) -> str:
        """The key in the lock: ``kind:name``."""
        ...

    def names(self, work: Path, progress: Progress) -> list[str]:
        """Return the names of all files of the source."""
        ...

    def records(
        self, names: Sequence[str], work: Path, progress: Progress
    ) -> dict[str, FileRecord]:
        """Return what the named files are; only what tells no hash of itself is fetched."""
        ...

    def copy(
        self, wanted: Sequence[WantedFile], into: Path, work: Path, progress: Progress
    ) -> None:
        """Write the wanted files below ``into``; the caller checks what they are.

        ``work`` holds downloads; what an interrupted call left there is gone on with.

        Raises:
            DamagedInput: a name is not in the source, or is a link or a device there.
        """
        ...

    def room(self, wanted: Sequence[WantedFile], work: Path) -> int:
        """Return how many bytes the disk must still take to fetch the wanted files."""
        ...

    def check_access(self, wanted: Sequence[WantedFile]) -> None:
        """Ask whether the wanted files could be fetched; nothing is downloaded.

        Raises:
            MachineLacks: what is in the way, as far as asking can tell.
            DamagedInput: a file is missing or of another size.
        """
        ...

    def archive(self, work: Path, progress: Progress) -> ArchiveRecord | None:
        """Return the archive that the files are read from, where there is one."""
        ...

    def revision(self) -> str | None:
        """Return the commit that the names were read at, where the source has commits."""
        ...


def open_source(origin: Mapping[str, str]) -> Source:
    """Return the source that ``origin`` names.

    ``{"pypi": "NAME==VERSION", "archive": "wheel" | "sdist"}``, ``{"folder": PATH}`` or
    ``{"hub": "OWNER/NAME", "kind": "model" | "dataset", "revision": COMMIT}``; a hub's revision
    may be ``unlocked``, and ``branch`` then says what to resolve; ``mirrors`` holds one a line.

    Raises:
        StudyError: the origin has other keys or values.
    """
    keys = set(origin)
    if "pypi" in keys and keys <= {"pypi", "archive"}:
        from safebasin.sources.package import PackageSource

        return PackageSource(origin["pypi"], origin.get("archive", "wheel"))
    if keys == {"folder"}:
        from safebasin.sources.folder import FolderSource

        return FolderSource(Path(origin["folder"]), f"folder:{origin['folder']}")
    if {"hub", "revision"} <= keys <= {"hub", "revision", "kind", "branch", "mirrors"}:
        from safebasin.sources.hub import HubSource

        return HubSource(
            Repository(origin["hub"], origin.get("kind", "model")),
            revision=origin["revision"],
            branch=origin.get("branch", "main"),
            mirrors=origin.get("mirrors", "").splitlines(),
        )
    raise StudyError(
        f"the origin {dict(origin)!r} names no source; give 'pypi: NAME==VERSION' "
        "(with 'archive: wheel' or 'archive: sdist'), 'folder: PATH', or "
        "'hub: {repo: OWNER/NAME, revision: COMMIT}'"
    )
