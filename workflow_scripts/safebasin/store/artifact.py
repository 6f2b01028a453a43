"""A published artifact: its manifest, read and checked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from safebasin.errors import DamagedInput
from safebasin.store.canonical import Json
from safebasin.store.names import MANIFEST as MANIFEST
from safebasin.store.names import RUN as RUN
from safebasin.store.spec import Spec

FORMAT = 1
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRecord:
    """SHA-256 (hex) and size (bytes) of one file."""

    sha256: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """One artifact in the store, as its ``artifact.json`` describes it."""

    spec: Spec
    files: Mapping[str, FileRecord]
    folder: Path

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(record.size for record in self.files.values())

    def run(self) -> dict[str, object] | None:
        """Return what ``run.json`` says of the run that made it, or None where it says nothing."""
        try:
            run = json.loads((self.folder / RUN).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return run if isinstance(run, dict) else None


def hash_file(path: Path) -> FileRecord:
    """Return the SHA-256 and size of the file."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return FileRecord(sha256=digest.hexdigest(), size=size)


def manifest_text(spec: Spec, files: Mapping[str, FileRecord]) -> str:
    """Return the text of ``artifact.json``: no time, host or path is in it."""
    value: dict[str, Json] = {
        "format": FORMAT,
        "digest": spec.digest,
        "spec": json.loads(spec.text),
        "files": {
            name: {"sha256": record.sha256, "size": record.size} for name, record in files.items()
        },
    }
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def read_artifact(folder: Path) -> Artifact:
    """Read ``folder/artifact.json``.

    Raises:
        FileNotFoundError: there is no manifest.
        DamagedInput: the manifest is no manifest, or its spec has another digest.
    """
    path = folder / MANIFEST
    text = path.read_text(encoding="utf-8")
    try:
        value = json.loads(text)
        spec = Spec.from_json(value["spec"])
        files = {
            name: FileRecord(sha256=record["sha256"], size=record["size"])
            for name, record in value["files"].items()
        }
        told = value["digest"]
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise DamagedInput(f"{path} is not an artifact's manifest ({problem})") from problem
    if not told == spec.digest == folder.name:
        raise DamagedInput(
            f"{path}: the spec's digest is {spec.digest}, the manifest says {told}, "
            f"the folder {folder.name}; remove the folder to have it made again"
        )
    return Artifact(spec=spec, files=files, folder=folder)
