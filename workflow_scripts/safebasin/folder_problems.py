"""Which local folders are no longer as they were locked, before a run makes things of old bytes."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from safebasin.sources.changes import Changes, changes_of
from safebasin.sources.lock import LockEntry, SourceLock
from safebasin.store.hash_memory import HashMemory, memory_file
from safebasin.study.checkpoints import Source
from safebasin.study.graph import Node
from safebasin.study.problems import Problem


def folder_problems(sources: Mapping[str, Source], lock: SourceLock) -> Iterator[Problem]:
    """Yield every folder that changed since it was locked.

    A folder that is not there at all is passed over: its files may be in the store already.
    """
    for name, source in sources.items():
        entry = lock.entries.get(f"folder:{source.folder}")
        if source.folder is None or entry is None or not Path(source.folder).is_dir():
            continue
        try:
            changes = folder_changes(source.folder, source, entry)
        except OSError as problem:
            cure = f"it cannot be read ({problem}); make it readable"
            yield Problem(key=f"sources.{name}.folder", value=source.folder, cure=cure)
            continue
        if changes:
            cure = f"changed since it was locked: `safebasin lock` ({changes})"
            yield Problem(key=f"sources.{name}.folder", value=source.folder, cure=cure)


def missing_folders(jobs: Iterable[Node]) -> Iterator[Problem]:
    """Yield every folder that a job left would fetch and that is not there."""
    for node in jobs:
        folder = node.origin.get("folder")
        if node.rule == "fetch_source" and folder is not None and not Path(folder).is_dir():
            cure = "there is no such folder, and the store has not its files; put it back"
            name = node.name.removeprefix("source/")
            yield Problem(key=f"sources.{name}.folder", value=folder, cure=cure)


def folder_changes(folder: str, source: Source, entry: LockEntry) -> Changes:
    """Return what of a folder is not as it was locked; only what may be another is hashed.

    Raises:
        OSError: the folder or a file of it cannot be read.
    """
    memory = HashMemory(memory_file(), time.time_ns())
    changes = changes_of(
        Path(folder),
        entry,
        source.files,
        source.optional,
        lambda path: memory.hash_file(path).sha256,
    )
    memory.save()
    return changes
