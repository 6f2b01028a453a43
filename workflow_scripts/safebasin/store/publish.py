"""Publishing: the only code that makes an artifact appear."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from fnmatch import fnmatch
from pathlib import Path

from safebasin.errors import SafebasinError
from safebasin.store.artifact import (
    MANIFEST,
    RUN,
    Artifact,
    FileRecord,
    hash_file,
    manifest_text,
    read_artifact,
)
from safebasin.store.replace import earlier_manifest, replace
from safebasin.store.seal import seal
from safebasin.store.spec import Spec
from safebasin.store.store import Store


class UndeclaredFile(SafebasinError):
    """A step left a file that its kind does not declare."""


def publish(
    store: Store,
    spec: Spec,
    declared: Iterable[str],
    run: Mapping[str, object],
    inputs: Mapping[str, str] | None = None,
) -> Artifact:
    """Publish the scratch folder of ``spec`` as its artifact.

    Files reach the disk first, then ``artifact.json``, then one rename shows everything, so a
    reader sees all of an artifact or none. The caller holds the lock of the digest.

    Args:
        store: where.
        spec: what the artifact is.
        declared: glob patterns of the files that it may hold.
        run: how the run went; written as ``run.json``, which is no part of the artifact.
        inputs: role to the SHA-256 of the ``artifact.json`` of the input that was read.

    Raises:
        UndeclaredFile: the scratch folder holds a file that no pattern declares.
    """
    scratch, home = store.scratch(spec.digest), store.home(spec.kind, spec.digest)
    files = _seal(scratch, tuple(declared))
    if not files:
        raise UndeclaredFile(f"{spec.kind} {spec.digest}: the step left no file")
    told = json.dumps({"digest": spec.digest, **run}, indent=1, sort_keys=True)
    _write_durably(scratch / RUN, seal(f"{told}\n"))
    manifest = earlier_manifest(store, spec, files) or manifest_text(spec, files, inputs)
    _write_durably(scratch / MANIFEST, manifest)
    sync_folder(scratch)
    home.parent.mkdir(parents=True, exist_ok=True)
    replace(store, home, scratch)
    sync_folder(home.parent)
    return read_artifact(home)


def write_atomically(path: Path, text: str) -> None:
    """Write ``text`` so that a reader sees the old file or the new one, never half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    _write_durably(draft, text)
    draft.replace(path)


def sync_folder(folder: Path) -> None:
    """Make the folder's entries durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _seal(scratch: Path, declared: tuple[str, ...]) -> dict[str, FileRecord]:
    """Check, sync and hash the files; a manifest that a crash left does not count."""
    files: dict[str, FileRecord] = {}
    for path in sorted(scratch.rglob("*")):
        name = path.relative_to(scratch).as_posix()
        if path.is_dir() or name in (MANIFEST, RUN):
            continue
        if path.is_symlink() or not any(_matches(name, pattern) for pattern in declared):
            raise UndeclaredFile(
                f"{scratch.name}: the step left {name}, which is not among {', '.join(declared)}"
            )
        with path.open("rb") as stream:
            os.fsync(stream.fileno())
        files[name] = hash_file(path)
    return files


def _matches(name: str, pattern: str) -> bool:
    """Match as a shell does; ``**/`` stands for any folders, or none."""
    return fnmatch(name, pattern) or fnmatch(name, pattern.removeprefix("**/"))


def _write_durably(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
