"""Look up a study's sources and write commit, hash and size of every wanted file to the lock."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping
from pathlib import Path

from safebasin.commands.study_arguments import add_layers, layers_of
from safebasin.errors import MachineLacks, SafebasinError, StudyError
from safebasin.folder_problems import folder_changes
from safebasin.progress import LineProgress
from safebasin.sources.changes import Changes
from safebasin.sources.fetch import lock_source, source_key
from safebasin.sources.lock import LockEntry, SourceLock
from safebasin.sources.patterns import matching, unmatched
from safebasin.sources.preview import preview_lock
from safebasin.study.checkpoints import Source
from safebasin.study.load import load_study
from safebasin.study.problems import did_you_mean
from safebasin.workflow import PRIVATE_LOCK, SOURCES_LOCK, origin_of

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
    sources = load_study(layers_of(options)).sources
    locks = {path: SourceLock.load(path) for path in (SOURCES_LOCK, PRIVATE_LOCK)}
    private = {source.folder for source in sources.values() if source.private}
    problems: list[SafebasinError] = []
    for name, source in _asked_for(sources, options.only).items():
        path = PRIVATE_LOCK if source.folder in private else SOURCES_LOCK
        try:
            _visit(name, source, path, locks, options)
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


def _visit(
    name: str,
    source: Source,
    path: Path,
    locks: dict[Path, SourceLock],
    options: argparse.Namespace,
) -> None:
    """Lock one source at ``path``, unless it is locked there as it is; say what was done."""
    key = source_key(origin_of(source))
    known = next((lock.entries[key] for lock in locks.values() if key in lock.entries), None)
    changes = _changes(source, known)
    if not options.again and not changes and _is_locked(locks[path], key, source):
        print(f"{name}: {key} is locked already")
        return
    if changes:
        print(f"{name}: {key} changed since it was locked ({changes})")
    origin = _origin(source, known, again=options.again)
    if options.dry_run:
        print(f"{name}: {preview_lock(origin, source.files, source.optional)}")
        return
    entry = _look_up(source, origin)
    locks[path] = locks[path].with_entry(key, _joined(known, entry, source))
    locks[path].save(path)
    for other in [each for each in locks if each != path and key in locks[each].entries]:
        locks[other] = locks[other].without(key)
        locks[other].save(other)
    at = f" at {entry.revision}" if entry.revision else ""
    print(f"{name}: {key}{at}, {len(entry.files)} files")


def _changes(source: Source, known: LockEntry | None) -> Changes | None:
    """Return how a folder differs from what is locked of it; one that is not there is told later.

    Raises:
        MachineLacks: it cannot be read.
    """
    if source.folder is None or known is None or not Path(source.folder).is_dir():
        return None
    try:
        return folder_changes(source.folder, source, known)
    except OSError as problem:
        raise MachineLacks(f"folder:{source.folder} cannot be read: {problem}") from problem


def _look_up(source: Source, origin: Mapping[str, str]) -> LockEntry:
    with tempfile.TemporaryDirectory(prefix="safebasin-lock-") as folder:
        return lock_source(origin, source.files, Path(folder), LineProgress(), source.optional)


def _is_locked(lock: SourceLock, key: str, source: Source) -> bool:
    """Return whether the lock has the files; what is optional and not in it is asked for again.

    Of a folder what is optional was looked for already.
    """
    try:
        found = lock.select(key, source.files, source.optional)
    except StudyError:
        return False
    names = [str(file["name"]) for file in found]
    return source.folder is not None or not unmatched(names, source.optional)


def _joined(known: LockEntry | None, new: LockEntry, source: Source) -> LockEntry:
    """Keep the files of one archive, commit or folder that were named before, here or elsewhere."""
    same = known is not None and (known.archive, known.revision) == (new.archive, new.revision)
    if known is None or not same:
        return new
    replaced = set(matching(known.files, (*source.files, *source.optional)))
    kept = {name: record for name, record in known.files.items() if name not in replaced}
    return new.model_copy(update={"files": {**kept, **new.files}})
