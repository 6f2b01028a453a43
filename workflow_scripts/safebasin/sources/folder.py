"""A local folder as a source."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from safebasin.errors import DamagedInput, StudyError
from safebasin.progress import Progress
from safebasin.sources.folder_files import files_below
from safebasin.sources.lock import FileRecord, record_of
from safebasin.sources.members import check_names
from safebasin.sources.stage import staged
from safebasin.sources.wanted import WantedFile


class FolderSource:
    """Files below ``root``. Links inside it are followed only where they stay inside it."""

    careful = False

    def __init__(self, root: Path, key: str) -> None:
        self._root = root
        self.key = key

    def names(self, work: Path, progress: Progress) -> list[str]:
        """Return the names of all files of the folder, with ``/``, sorted.

        Raises:
            StudyError: the folder does not exist.
        """
        del work, progress
        if not self._root.is_dir():
            raise StudyError(f"{self.key}: {self._root} is no folder; correct the path")
        return sorted(files_below(self._root))

    def records(
        self, names: Sequence[str], work: Path, progress: Progress
    ) -> dict[str, FileRecord]:
        """Return what the named files are, copied first so that they are what was looked at."""
        with staged(work) as stage:
            self._copy(names, stage, progress)
            return {name: record_of(stage / name) for name in names}

    def copy(
        self, wanted: Sequence[WantedFile], into: Path, work: Path, progress: Progress
    ) -> None:
        """Copy the wanted files below ``into``.

        Raises:
            DamagedInput: a file is missing, or a link leads out of the folder.
        """
        del work
        self._copy([each.name for each in wanted], into, progress)

    def room(self, wanted: Sequence[WantedFile], work: Path) -> int:
        """Return the bytes of all files."""
        del work
        return sum(each.size for each in wanted)

    def check_access(self, wanted: Sequence[WantedFile]) -> None:
        """Look whether the files are there; nothing is hashed.

        Raises:
            DamagedInput: a file is missing or of another size.
        """
        for each in wanted:
            path = self._root / each.name
            if not path.is_file() or path.stat().st_size != each.size:
                raise DamagedInput(
                    f"{self.key}: {each.name!r} is missing or not of {each.size} bytes; put it "
                    "back or lock the folder again"
                )

    def archive(self, work: Path, progress: Progress) -> None:
        """Return None: a folder has no archive."""
        del work, progress

    def revision(self) -> None:
        """Return None: a folder has no revision."""

    def _copy(self, names: Sequence[str], into: Path, progress: Progress) -> None:
        """Copy the named files below ``into``.

        Raises:
            DamagedInput: a file is missing, or a link leads out of the folder.
        """
        check_names(names, self.key)
        home = self._root.resolve()
        for name in progress.over(names, f"copying {self.key}"):
            path = self._root / name
            if not path.is_file():
                raise DamagedInput(
                    f"{self.key}: {name!r} is missing; put it back or lock the folder again"
                )
            if not path.resolve().is_relative_to(home):
                raise DamagedInput(
                    f"{self.key}: {name!r} is a link out of the folder; put the file itself there"
                )
            target = into / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
