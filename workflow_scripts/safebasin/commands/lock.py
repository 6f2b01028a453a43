"""Look up a study's sources and write commit, hash and size of every wanted file to the lock."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping
from pathlib import Path

from safebasin.commands.study_arguments import add_layers, layers_of
from safebasin.errors import SafebasinError, StudyError
from safebasin.progress import LineProgress
from safebasin.sources.fetch import lock_source, source_key
from safebasin.sources.lock import LockEntry, SourceLock
from safebasin.sources.patterns import unmatched
from safebasin.sources.preview import preview_lock
from safebasin.study.checkpoints import Source
from safebasin.study.load import load_study
from safebasin.study.problems import did_you_mean
from safebasin.workflow import SOURCES_LOCK, origin_of

EXAMPLE = "safebasin lock --configfile examples/own_task/study.yaml --dry-run"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_layers(parser)
    parser.add_argument("--only", nargs="+", default=[], metavar="SOURCE", help="these sources")
    parser.add_argument(
        "--again",
        action="store_true",
        help="lock also what is locked already; a branch's commit is looked up anew",
    )
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="say what would be asked for and downloaded; a hub is asked, nothing is written",
    )


def run(options: argparse.Namespace) -> int:
    """Write the lock, source by source; what fails is told at the end and keeps no other back.

    Raises:
        StudyError: a source of that name does not exist.
        SafebasinError: the first problem's kind, with the problems of all sources.
    """
    study = load_study(layers_of(options))
    lock = SourceLock.load(SOURCES_LOCK)
    problems: list[SafebasinError] = []
    for name, source in _asked_for(study.sources, options.only).items():
        key = source_key(origin_of(source))
        if not options.again and _is_locked(lock, key, source):
            print(f"{name}: {key} is locked already")
            continue
        origin = _origin(source, lock.entries.get(key), again=options.again)
        try:
            if options.dry_run:
                print(f"{name}: {preview_lock(origin, source.files, source.optional)}")
            else:
                lock = _lock_one(name, source, key, origin, lock)
        except SafebasinError as problem:
            problems.append(problem)
    if problems:
        raise type(problems[0])("\n".join(str(problem) for problem in problems))
    return 0


def _asked_for(sources: Mapping[str, Source], only: list[str]) -> dict[str, Source]:
    for name in only:
        if name not in sources:
            raise StudyError(f"the study has no source {name!r}; {did_you_mean(name, sources)}")
    return {name: source for name, source in sources.items() if not only or name in only}


def _origin(source: Source, known: LockEntry | None, *, again: bool) -> dict[str, str]:
    """Return where to look; a commit that is locked stays, unless everything is asked again."""
    origin = origin_of(source)
    if known is not None and known.revision is not None and not again:
        origin["revision"] = known.revision
    return origin


def _lock_one(
    name: str, source: Source, key: str, origin: Mapping[str, str], lock: SourceLock
) -> SourceLock:
    with tempfile.TemporaryDirectory(prefix="safebasin-lock-") as folder:
        entry = lock_source(origin, source.files, Path(folder), LineProgress(), source.optional)
    lock = lock.with_entry(key, _joined(lock.entries.get(key), entry))
    lock.save(SOURCES_LOCK)
    at = f" at {entry.revision}" if entry.revision else ""
    print(f"{name}: {key}{at}, {len(entry.files)} files")
    return lock


def _is_locked(lock: SourceLock, key: str, source: Source) -> bool:
    """Return whether the lock has the files; what is optional and not in it is asked for again."""
    try:
        found = lock.select(key, source.files, source.optional)
    except StudyError:
        return False
    return not unmatched([str(file["name"]) for file in found], source.optional)


def _joined(known: LockEntry | None, new: LockEntry) -> LockEntry:
    """Keep the files of one archive or commit that another study named before."""
    same = known is not None and (known.archive, known.revision) == (new.archive, new.revision)
    if known is None or not same or (new.archive is None and new.revision is None):
        return new
    return new.model_copy(update={"files": {**known.files, **new.files}})
