"""Folders of files that a job keeps under a name, each whole or not at all.

A folder gets its name when its files, and a seal with their hashes, have reached the disk. One that
does not fit its seal any more (a power cut, a flipped bit, a hand) counts as absent: it is said
once, deleted, and made again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

from safebasin.progress import SILENT, Progress
from safebasin.resume.durable import GONE, discard, sync_file, sync_folder

_FRESH = "new"
_SEAL = "seal.json"


class Kept:
    """The kept folders below one folder."""

    def __init__(self, folder: Path, progress: Progress = SILENT) -> None:
        """Keep below ``folder``; ``progress`` is told of what cannot be believed."""
        self._folder = folder
        self._progress = progress

    def keep(self, name: str, fill: Callable[[Path], None]) -> Path:
        """Keep what ``fill`` writes into a folder under ``name``; return where it is now."""
        fresh, whole = self._folder / _FRESH, self._folder / name
        discard(fresh)
        fresh.mkdir(parents=True)
        try:
            fill(fresh)
            hashes = {path.name: _sha256(path) for path in sorted(fresh.iterdir())}
            (fresh / _SEAL).write_text(json.dumps(hashes), encoding="utf-8")
            for path in fresh.iterdir():
                sync_file(path)
            sync_folder(fresh)
        except OSError:
            discard(fresh)  # what is kept already may need the room
            raise
        discard(whole)
        fresh.rename(whole)
        sync_folder(self._folder)
        return whole

    def find(self, name: str) -> Path | None:
        """Return the folder of that name, or None where there is none that fits its seal."""
        whole = self._folder / name
        if not whole.exists():
            return None
        if _fits(whole):
            return whole
        self.drop(name, "it does not fit its seal")
        return None

    def drop(self, name: str, why: str | None = None) -> None:
        """Delete the folder of that name; with ``why``, say so."""
        if why is not None:
            self._progress.note(f"{name}, kept by an earlier try, is not used: {why}")
        discard(self._folder / name)

    def names(self) -> list[str]:
        """Return the names that something is kept under, believable or not, in order."""
        if not self._folder.is_dir():
            return []
        found = (path.name for path in self._folder.iterdir())
        return sorted(name for name in found if name != _FRESH and not name.endswith(GONE))


def _fits(folder: Path) -> bool:
    try:
        told = json.loads((folder / _SEAL).read_text(encoding="utf-8"))
        found = {path.name: path for path in folder.iterdir() if path.name != _SEAL}
        return {name: _sha256(path) for name, path in found.items()} == told and bool(found)
    except (OSError, ValueError):
        return False


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
