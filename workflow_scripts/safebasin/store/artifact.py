"""A published artifact: its manifest, read and checked."""

from __future__ import annotations

import errno
import hashlib
import json
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from safebasin.errors import DamagedInput
from safebasin.store.canonical import Json
from safebasin.store.names import MANIFEST as MANIFEST
from safebasin.store.names import RUN as RUN
from safebasin.store.seal import KEY, is_sealed, seal
from safebasin.store.spec import Spec

FORMAT = 2
"""Of manifests with a check of their own and the hashes of the inputs' manifests; 1 had neither."""
_CHUNK = 1 << 20


class DamagedManifest(DamagedInput):
    """An ``artifact.json`` that does not say, or no longer says, what is beside it."""

    def __init__(self, path: Path, problem: str) -> None:
        """Of the manifest at ``path``."""
        super().__init__(f"{path}: {problem}; {cure(path.parent.name)}")
        self.problem = problem


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
    inputs: Mapping[str, str] = field(default_factory=dict)
    """Role to the SHA-256 of the ``artifact.json`` of the input that it was made from; artifacts
    of before this was recorded have none."""
    format: int = FORMAT
    manifest: str = ""
    """SHA-256 of its own ``artifact.json``."""

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(record.size for record in self.files.values())

    def run(self) -> dict[str, object] | None:
        """Return what ``run.json`` says of the run that made it, or None where it says nothing."""
        try:
            run = json.loads(read_own(self.folder / RUN).decode("utf-8"))
        except (OSError, ValueError, RecursionError):
            return None
        return {key: run[key] for key in run if key != KEY} if isinstance(run, dict) else None


def cure(digest: str) -> str:
    """Return what helps an artifact that is not as it was written."""
    return f"`safebasin redo {digest}` has it made again"


def hash_file(path: Path) -> FileRecord:
    """Return the SHA-256 and size of the file."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return FileRecord(sha256=digest.hexdigest(), size=size)


def read_own(path: Path) -> bytes:
    """Return the bytes of one of the store's own files.

    Raises:
        OSError: it cannot be read, or is a pipe or a device, which might be read for ever.
    """
    if not stat.S_ISREG(path.stat().st_mode) and not path.is_dir():
        raise OSError(errno.EINVAL, "it is no file but a pipe, a socket or a device", str(path))
    return path.read_bytes()


def hash_manifest(folder: Path) -> str:
    """Return the SHA-256 of the artifact's manifest, whatever it says.

    Raises:
        OSError: it cannot be read.
    """
    return hashlib.sha256(read_own(folder / MANIFEST)).hexdigest()


def manifest_text(
    spec: Spec,
    files: Mapping[str, FileRecord],
    inputs: Mapping[str, str] | None = None,
    form: int = FORMAT,
) -> str:
    """Return the text of ``artifact.json``: no time, host or path is in it.

    Args:
        spec: what determines the artifact.
        files: what it holds.
        inputs: role to the SHA-256 of the ``artifact.json`` of the input.
        form: 1 for the text as it was written before manifests recorded their inputs.
    """
    value: dict[str, Json] = {
        "format": form,
        "digest": spec.digest,
        "spec": json.loads(spec.text),
        "files": {
            name: {"sha256": record.sha256, "size": record.size} for name, record in files.items()
        },
    }
    if form > 1:
        value["inputs"] = dict(inputs or {})
    text = json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    return seal(text) if form > 1 else text


def read_artifact(folder: Path) -> Artifact:
    """Read ``folder/artifact.json``.

    Raises:
        FileNotFoundError: there is no manifest.
        NotADirectoryError: ``folder`` is a file.
        DamagedManifest: the manifest cannot be read, is no manifest or not the one that was
            written, or its spec has another digest.
    """
    path = folder / MANIFEST
    try:
        raw = read_own(path)
    except (FileNotFoundError, NotADirectoryError):
        raise
    except OSError as problem:
        raise DamagedManifest(path, f"it cannot be read ({problem.strerror})") from problem
    try:
        artifact, told = _parse(raw, folder)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
        raise DamagedManifest(path, f"it is not an artifact's manifest ({problem})") from problem
    if artifact.format > 1 and not is_sealed(raw):
        raise DamagedManifest(path, "it is not what was written")
    if not told == artifact.spec.digest == folder.name:
        problem_ = (
            f"the spec's digest is {artifact.spec.digest}, the manifest says {told}, "
            f"the folder {folder.name}"
        )
        raise DamagedManifest(path, problem_)
    return artifact


def _parse(raw: bytes, folder: Path) -> tuple[Artifact, object]:
    """Return the artifact, and the digest that its manifest tells."""
    value = json.loads(raw.decode("utf-8"))
    form = value["format"]
    if form not in (1, FORMAT):
        raise ValueError(f"format {form!r}; this version reads 1 and {FORMAT}")
    artifact = Artifact(
        spec=Spec.from_json(value["spec"]),
        files={name: _record(name, told) for name, told in value["files"].items()},
        folder=folder,
        inputs=_hashes(value["inputs"]) if form > 1 else {},
        format=form,
        manifest=hashlib.sha256(raw).hexdigest(),
    )
    artifact.spec.digest  # noqa: B018 - a number or a name that has no canonical JSON raises here
    return artifact, value["digest"]


def _record(name: str, told: Mapping[str, object]) -> FileRecord:
    sha256, size = told["sha256"], told["size"]
    if not isinstance(sha256, str) or not isinstance(size, int):
        raise ValueError(f"{name} has no SHA-256 or no size")
    return FileRecord(sha256=sha256, size=size)


def _hashes(told: Mapping[str, object]) -> dict[str, str]:
    return {role: str(sha256) for role, sha256 in told.items()}
