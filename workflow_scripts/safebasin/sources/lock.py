"""The lock of everything that comes from outside: which bytes a name stands for."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)

from safebasin.errors import DamagedInput, StudyError
from safebasin.resume.durable import write_durably
from safebasin.sources.choice import refuse_reserved
from safebasin.sources.members import check_names
from safebasin.sources.patterns import matching, unmatched
from safebasin.strict_yaml import Limits, read_mapping

KINDS = ("pypi", "folder", "hub")
_HEADER = (
    "# The bytes that each source stands for: SHA-256 and size of every file that is used.\n"
    "# Written by machine; an entry is replaced by locking its source again.\n"
)
_LINES = 100
_CURE = "lock this source again, which writes the entry anew"

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Commit = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]


class FileRecord(BaseModel):
    """What one file must be."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    sha256: Sha256
    size: Annotated[int, Field(ge=0, lt=2**63)]


class ArchiveRecord(FileRecord):
    """The archive that the files were read from."""

    name: Annotated[str, StringConstraints(min_length=1, pattern=r"^[^/\\]+$")]


class LockEntry(BaseModel):
    """One source: ``pypi:NAME==VERSION`` with its archive, ``folder:PATH`` without, or
    ``hub:OWNER/NAME@BRANCH`` with the commit that the branch stood for.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    archive: ArchiveRecord | None = None
    revision: Commit | None = None
    files: dict[str, FileRecord]


_LIMITS = Limits(what="a lock", size=2**26, depth=8, values=2_000_000)
_ENTRIES = TypeAdapter(dict[str, LockEntry])


class SourceLock:
    """All entries of one lock file by key."""

    def __init__(self, entries: Mapping[str, LockEntry], path: Path | None = None) -> None:
        self.entries: dict[str, LockEntry] = dict(sorted(entries.items()))
        self._where = path.name if path is not None else "the lock"

    @classmethod
    def load(cls, path: Path) -> SourceLock:
        """Read the lock at ``path``; a missing file is an empty lock.

        Raises:
            StudyError: the file is no YAML, a key is unknown or of another form or stands twice,
                a hash or size is none; all problems are in the one message.
        """
        if not path.exists():
            return cls({}, path)
        try:
            raw = read_mapping(path, _LIMITS)
        except StudyError as error:
            raise StudyError(f"{path.name} is not readable: {error}; {_CURE}") from None
        try:
            entries = _ENTRIES.validate_python({} if raw is None else raw)
        except ValidationError as error:
            raise StudyError(_problems(path, error)) from error
        for key, entry in entries.items():
            _check_entry(path, key, entry)
        return cls(entries, path)

    def save(self, path: Path) -> None:
        """Write the lock as canonical YAML: sorted keys, one form; equal locks, equal bytes."""
        plain = {
            key: entry.model_dump(exclude_none=True) for key, entry in sorted(self.entries.items())
        }
        text = yaml.safe_dump(plain, sort_keys=True, allow_unicode=True, width=1000)
        write_durably(path, _HEADER + (text if plain else ""))

    def with_entry(self, key: str, entry: LockEntry) -> SourceLock:
        """Return a lock in which ``key`` stands for ``entry``."""
        lock = SourceLock({**self.entries, key: entry})
        lock._where = self._where
        return lock

    def without(self, key: str) -> SourceLock:
        """Return a lock without ``key``."""
        lock = SourceLock({each: entry for each, entry in self.entries.items() if each != key})
        lock._where = self._where
        return lock

    def select(
        self, key: str, patterns: Sequence[str], optional: Sequence[str] = ()
    ) -> list[dict[str, str | int]]:
        """Return ``{name, sha256, size}`` of the files of ``key`` that the patterns name.

        Raises:
            StudyError: the lock has no such key, or a pattern names no locked file.
        """
        if key not in self.entries:
            have = ", ".join(self.entries) or "nothing"
            raise StudyError(f"{self._where} has no {key!r} (it has {have}); lock this source")
        return select_files(key, self.entries[key], patterns, self._where, optional)


def select_files(
    key: str,
    entry: LockEntry,
    patterns: Sequence[str],
    where: str = "the lock",
    optional: Sequence[str] = (),
) -> list[dict[str, str | int]]:
    """Return ``{name, sha256, size}`` of the entry's files that the patterns name, by name.

    Raises:
        StudyError: a pattern names no file of the entry, or one whose name is the store's own.
    """
    for pattern in unmatched(list(entry.files), patterns):
        have = ", ".join(sorted(entry.files)[:8])
        raise StudyError(
            f"{where}: {key}: the pattern {pattern!r} names none of its files ({have}); "
            "correct the pattern or lock this source again with it"
        )
    names = matching(entry.files, (*patterns, *optional))
    refuse_reserved(f"{where}: {key}", names)
    return [
        {"name": name, "sha256": entry.files[name].sha256, "size": entry.files[name].size}
        for name in names
    ]


def record_of(path: Path) -> FileRecord:
    """Return the SHA-256 and size of the file at ``path``."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return FileRecord(sha256=digest, size=path.stat().st_size)


def _check_entry(path: Path, key: str, entry: LockEntry) -> None:
    kind, _, rest = key.partition(":")
    parted = {"pypi": "==", "hub": "@"}.get(kind)
    if kind not in KINDS or not rest or (parted and len(rest.split(parted)) != 2):
        raise StudyError(
            f"{path.name}: the key {key!r} should be 'pypi:NAME==VERSION', 'folder:PATH' or "
            f"'hub:OWNER/NAME@REVISION'; {_CURE}"
        )
    for owner, name, value in (
        ("pypi", "archive", entry.archive),
        ("hub", "revision", entry.revision),
    ):
        if (kind == owner) != (value is not None):
            wanted = (
                f"needs the {name!r}" if kind == owner else f"has a {name!r} and should have none"
            )
            raise StudyError(f"{path.name}: {key}: {wanted}; {_CURE}")
    try:
        check_names(entry.files, f"{path.name}: {key}")
    except DamagedInput as error:
        raise StudyError(f"{error}; {_CURE}") from error


def _problems(path: Path, error: ValidationError) -> str:
    lines = [
        f"{path.name}: {' > '.join(str(part) for part in each['loc']) or 'top'}: "
        f"{each['input']!r:.80}: {each['msg']}"
        for each in error.errors()[:_LINES]
    ]
    return "\n".join([*lines, _CURE])
