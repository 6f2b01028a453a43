"""Publishing: the only code that makes an artifact appear."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path

from safebasin.errors import SafebasinError
from safebasin.resume.durable import sync_file, sync_folder, write_durably
from safebasin.store.artifact import (
    MANIFEST,
    RUN,
    Artifact,
    FileRecord,
    hash_file,
    manifest_text,
    read_artifact,
)
from safebasin.store.names import is_reserved
from safebasin.store.replace import earlier_manifest, replace
from safebasin.store.seal import seal
from safebasin.store.sharing import is_shared, let_group_read
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
        UndeclaredFile: the scratch folder holds a file that no pattern declares, or one that has a
            name of the store's own.
    """
    scratch, home = store.scratch(spec.digest), store.home(spec.kind, spec.digest)
    if is_shared(store.root):
        for path in [each for each in scratch.rglob("*") if each.is_file()]:
            let_group_read(path, store.root, scratch.with_name(f"{scratch.name}.own"))
    files = _seal(scratch, tuple(declared))
    if not files:
        raise UndeclaredFile(f"{spec.kind} {spec.digest}: the step left no file")
    told = json.dumps({"digest": spec.digest, **run}, indent=1, sort_keys=True)
    write_durably(scratch / RUN, seal(f"{told}\n"))
    manifest = earlier_manifest(store, spec, files) or manifest_text(spec, files, inputs)
    write_durably(scratch / MANIFEST, manifest)
    sync_folder(scratch)
    home.parent.mkdir(parents=True, exist_ok=True)
    replace(store, home, scratch)
    for folder in (home.parent, store.root):
        sync_folder(folder)
    return read_artifact(home)


def write_atomically(path: Path, text: str) -> None:
    """Write ``text`` so that a reader sees the old file or the new one, never half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_durably(path, text)


def _seal(scratch: Path, declared: tuple[str, ...]) -> dict[str, FileRecord]:
    """Check, sync and hash the files."""
    files: dict[str, FileRecord] = {}
    for path in sorted(scratch.rglob("*")):
        name = path.relative_to(scratch).as_posix()
        if path.is_dir() and not path.is_symlink():
            sync_folder(path)
            continue
        if is_reserved(name):
            raise UndeclaredFile(
                f"{scratch.name}: the step left {name}, a name that the store keeps for itself"
            )
        if path.is_symlink() or not any(_matches(name, pattern) for pattern in declared):
            raise UndeclaredFile(
                f"{scratch.name}: the step left {name}, which is not among {', '.join(declared)}"
            )
        sync_file(path)
        files[name] = hash_file(path)
    return files


def _matches(name: str, pattern: str) -> bool:
    """Match as a shell does, where ``*`` stays in its folder; ``**/`` is any folders, or none."""
    parts, wanted = name.split("/"), pattern.removeprefix("**/").split("/")
    if wanted != pattern.split("/"):
        parts = parts[-len(wanted) :]
    return len(parts) == len(wanted) and all(map(fnmatchcase, parts, wanted))
