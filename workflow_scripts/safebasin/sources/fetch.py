"""Locking a source, and fetching from it exactly the bytes that were locked."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from safebasin.errors import DamagedInput, MachineLacks
from safebasin.progress import SILENT, Progress
from safebasin.resume.place import state_of
from safebasin.sources.choice import choose, refuse_reserved
from safebasin.sources.lock import LockEntry, record_of
from safebasin.sources.members import check_names
from safebasin.sources.origin import Source, open_source
from safebasin.sources.stage import forget_unverified, staged
from safebasin.sources.wanted import WantedFile

_POINTER = b"version https://git-lfs.github.com/spec/"


def source_key(origin: Mapping[str, str]) -> str:
    """Return the key of ``origin`` in the lock, such as ``pypi:pyrit==1.1.0``."""
    return open_source(origin).key


def lock_source(
    origin: Mapping[str, str],
    patterns: Sequence[str],
    workdir: Path,
    progress: Progress = SILENT,
    optional: Sequence[str] = (),
) -> LockEntry:
    """Return what the files of ``origin`` are that the patterns name; ``workdir`` is for downloads.

    Files that an ``optional`` pattern names are taken where the source has them.

    Raises:
        StudyError: a pattern names no file of the source, or nothing but pickles or code.
        DamagedInput: the source cannot be read safely.
        MachineLacks: the source cannot be reached.
    """
    source = open_source(origin)
    workdir.mkdir(parents=True, exist_ok=True)
    names = source.names(workdir, progress)
    chosen = choose(names, patterns, source.key, careful=source.careful, optional=optional)
    files = source.records(chosen, workdir, progress)
    return LockEntry(
        archive=source.archive(workdir, progress), revision=source.revision(), files=files
    )


def fetch_files(
    origin: Mapping[str, str],
    wanted: Sequence[WantedFile],
    into: Path,
    progress: Progress = SILENT,
) -> None:
    """Put the wanted files, and no others, below ``into``, each of the wanted bytes.

    Downloads wait beside it (``state_of``); files move into place only once all are checked, so
    no half or wrong file is ever seen there. What an earlier try left may be torn: where it leads
    to a wrong file, all but what is known to be right is fetched anew.

    Raises:
        DamagedInput: a file's SHA-256 or size is another than wanted, or it is not there, or
            only Git LFS's note of it is.
        StudyError: a name is one that the store keeps for itself.
        MachineLacks: the source cannot be reached, or the disk is too full.
    """
    source = open_source(origin)
    check_names((each.name for each in wanted), source.key)
    refuse_reserved(source.key, [each.name for each in wanted])
    work = state_of(into)
    left = work.is_dir()
    work.mkdir(parents=True, exist_ok=True)
    _check_space(work, source.room(wanted, work), source.key)
    try:
        _fetch(source, wanted, into, work, progress)
    except DamagedInput as problem:
        forget_unverified(work)
        if not left:
            raise
        progress.note(f"{problem}; what an earlier try left is not used")
        work.mkdir(parents=True, exist_ok=True)
        _fetch(source, wanted, into, work, progress)


def _fetch(
    source: Source, wanted: Sequence[WantedFile], into: Path, work: Path, progress: Progress
) -> None:
    with staged(work) as stage:
        source.copy(wanted, stage, work, progress)
        for each in wanted:
            _check(stage / each.name, each, source.key)
            _refuse_pointer(stage / each.name, each, source.key)
        for each in wanted:
            target = into / each.name
            target.parent.mkdir(parents=True, exist_ok=True)
            (stage / each.name).replace(target)


def _check_space(folder: Path, needed: int, key: str) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise MachineLacks(
            f"{key}: {needed >> 20} MiB are needed on the store's disk and {free >> 20} MiB are "
            "free; free some or move the store"
        )


def _check(path: Path, wanted: WantedFile, key: str) -> None:
    got = record_of(path)
    if (got.sha256, got.size) == (wanted.sha256, wanted.size):
        return
    raise DamagedInput(
        f"{key}: {wanted.name!r} should have SHA-256 {wanted.sha256} and "
        f"{wanted.size} bytes, and has {got.sha256} and {got.size} bytes; nothing was kept. "
        "If the source really changed, lock it again; its digest then changes too"
    )


def _refuse_pointer(path: Path, wanted: WantedFile, key: str) -> None:
    """Raise where Git LFS left a few lines in a file's place, as a clone without it does."""
    with path.open("rb") as file:
        if file.read(len(_POINTER)) == _POINTER:
            raise DamagedInput(
                f"{key}: {wanted.name!r} is not the file but Git LFS's pointer to it; fetch the "
                "file itself (git lfs pull), and lock the source again"
            )
