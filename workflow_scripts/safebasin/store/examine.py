"""What of an artifact is not as its manifest says: every file, and nothing but the files."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from safebasin.store.artifact import MANIFEST, RUN, Artifact, FileRecord, read_own
from safebasin.store.seal import is_sealed

_NEAR = 8
"""Digits in which a damaged record may differ from a file's SHA-256; chance gives some 60 of 64."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One file that is not as it was written."""

    file: str
    problem: str


def examine(artifact: Artifact, hash_of: Callable[[Path], FileRecord]) -> Iterator[Fault]:
    """Yield each file that is missing, left over, or holds other bytes than the manifest says.

    Args:
        artifact: whose manifest was read, and is trusted.
        hash_of: gives SHA-256 and size of a file.
    """
    present, shut = _entries(artifact.folder)
    for name in shut:
        yield Fault(file=shown(name), problem="this folder cannot be read")
    if shut:
        return  # what lies in it is not missing
    for name in sorted(present | set(artifact.files)):
        record = artifact.files.get(name)
        if record is None:
            yield Fault(file=shown(name), problem="the manifest does not know this file")
        elif name not in present and _leads_out(name):
            yield Fault(file=MANIFEST, problem=f"{shown(name)} is no name of a file beside it")
        elif problem := _wrong(artifact.folder / name, name in present):
            yield Fault(file=shown(name), problem=problem)
        else:
            yield from _compare(artifact, name, record, hash_of)


def examine_run(artifact: Artifact) -> Iterator[Fault]:
    """Yield what is wrong with ``run.json``, which may be absent: no result depends on it."""
    path = artifact.folder / RUN
    try:
        text = read_own(path)
        told = isinstance(json.loads(text.decode("utf-8")), dict)
    except FileNotFoundError:
        return
    except (OSError, ValueError, RecursionError):
        told = False
    if not told or (artifact.format > 1 and not is_sealed(text)):
        yield Fault(file=RUN, problem="it is not what was written")


def _compare(
    artifact: Artifact, name: str, record: FileRecord, hash_of: Callable[[Path], FileRecord]
) -> Iterator[Fault]:
    try:
        got = hash_of(artifact.folder / name)
    except OSError as problem:
        yield Fault(file=shown(name), problem=f"it cannot be read ({problem.strerror})")
        return
    if got == record:
        return
    seen = f"SHA-256 {got.sha256} ({got.size} bytes)"
    told = f"{record.sha256} ({record.size} bytes)"
    if _is_near(got.sha256, record.sha256):
        yield Fault(file=MANIFEST, problem=f"{shown(name)} has {seen}, which it tells as {told}")
    else:
        yield Fault(file=shown(name), problem=f"{seen}, the manifest says {told}")


def _is_near(one: str, other: str) -> bool:
    """Return whether bytes are right and their record is not: other bytes look nothing like it.

    Only manifests without a check of their own can have such a record.
    """
    differ = sum(a != b for a, b in zip(one, other, strict=False))
    return differ + abs(len(one) - len(other)) <= _NEAR


def shown(name: str) -> str:
    """Return a name that can be printed in a line, whatever bytes a stray file's name has."""
    return "".join(each if each.isprintable() else _escaped(each) for each in name)


def _escaped(sign: str) -> str:
    byte = ord(sign) - 0xDC00  # how Python reads a byte of a name that is no UTF-8
    return f"\\x{byte:02x}" if 0x80 <= byte <= 0xFF else ascii(sign)[1:-1]


def _leads_out(name: str) -> bool:
    """Say whether it names no file below the artifact, or none that there can be."""
    strange = any(sign == "\0" or "\ud800" <= sign <= "\udfff" for sign in name)
    return strange or any(part in ("", ".", "..") for part in name.split("/"))


def _wrong(path: Path, is_present: bool) -> str | None:
    """Return why there is nothing to hash at ``path``, or None: a pipe would be read for ever."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return "it is a link to nothing" if is_present else "the file is missing"
    if stat.S_ISDIR(mode):
        return "a folder stands in its place"
    return None if stat.S_ISREG(mode) else "it is no file but a pipe, a socket or a device"


def _entries(folder: Path) -> tuple[set[str], list[str]]:
    """Return all that is no folder below ``folder``, and the folders that cannot be read.

    A link to a folder is no folder: what it leads to is not of the artifact.
    """
    present: set[str] = set()
    shut: list[OSError] = []
    for place, folders, files in os.walk(folder, onerror=shut.append):
        here = Path(place)
        links = [name for name in folders if (here / name).is_symlink()]
        present |= {(here / name).relative_to(folder).as_posix() for name in [*files, *links]}
    names = [Path(problem.filename).relative_to(folder).as_posix() for problem in shut]
    return present - {MANIFEST, RUN}, names
