"""Fetch a study's sources once and write the hash of every wanted file to sources.lock.yaml."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from safebasin.errors import StudyError
from safebasin.progress import LineProgress
from safebasin.sources.fetch import lock_source, source_key
from safebasin.sources.lock import LockEntry, SourceLock
from safebasin.study.checkpoints import Source
from safebasin.study.load import load_study
from safebasin.workflow import DEFAULT_CONFIG, SOURCES_LOCK, origin_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--config", type=Path, nargs="+", default=[DEFAULT_CONFIG])
    parser.add_argument("--only", nargs="+", default=[], metavar="SOURCE", help="these sources")
    parser.add_argument("--again", action="store_true", help="lock also what is locked already")


def run(options: argparse.Namespace) -> int:
    """Write the lock; sources on the hub are passed over and named.

    Raises:
        StudyError: a source of that name does not exist.
    """
    study = load_study(options.config)
    lock, progress = SourceLock.load(SOURCES_LOCK), LineProgress()
    for name in options.only:
        if name not in study.sources:
            raise StudyError(f"the study has no source {name!r}; it has {sorted(study.sources)}")
    for name, source in study.sources.items():
        if options.only and name not in options.only:
            continue
        if source.hub:
            print(f"{name}: sources on the hub cannot be locked yet; left as it is")
            continue
        key = source_key(origin_of(source))
        if not options.again and _is_locked(lock, key, source):
            print(f"{name}: {key} is locked already")
            continue
        with tempfile.TemporaryDirectory(prefix="safebasin-lock-") as folder:
            entry = lock_source(origin_of(source), source.files, Path(folder), progress)
        lock = lock.with_entry(key, _joined(lock.entries.get(key), entry))
        lock.save(SOURCES_LOCK)
        print(f"{name}: {key}, {len(entry.files)} files")
    return 0


def _is_locked(lock: SourceLock, key: str, source: Source) -> bool:
    try:
        return bool(lock.select(key, source.files))
    except StudyError:
        return False


def _joined(known: LockEntry | None, new: LockEntry) -> LockEntry:
    """Keep the files of one archive that another study named before."""
    if known is None or known.archive is None or known.archive != new.archive:
        return new
    return LockEntry(archive=new.archive, files={**known.files, **new.files})
