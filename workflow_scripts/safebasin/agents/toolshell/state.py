"""What a step left behind, read from outside without following what the agent's code planted."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ENTRIES = 200
"""Entries that a tree may hold."""
BYTES = 2**20
"""Bytes that a tree may hold."""
_DEPTH = 12
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class TooLarge(Exception):
    """A tree holds more entries, bytes or levels than it may, or hides what it holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file or folder; a link, a pipe or a file that its owner may not read has no content."""

    folder: bool
    mode: int
    """The permission bits."""
    content: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One mail in the outbox."""

    to: str
    subject: str
    body: str
    attached: str


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The home folder and the outbox as they are now."""

    entries: Mapping[str, Entry]
    """By path from home, with ``/`` between the parts."""
    mails: tuple[Mail, ...]

    def text(self, path: str) -> str | None:
        """Return a file's text without blanks at its end, or None where there is none."""
        entry = self.entries.get(path)
        if entry is None or entry.content is None:
            return None
        return entry.content.decode("utf-8", "replace").rstrip()


def _walk(folder: int, above: str, depth: int) -> Iterator[tuple[int, str, os.stat_result, str]]:
    """Yield (folder's descriptor, name, status, path) of all entries, links not followed."""
    if depth > _DEPTH:
        raise TooLarge(f"deeper than {_DEPTH} folders")
    with os.scandir(folder) as listing:
        names = []
        for entry in listing:
            names.append(entry.name)
            if len(names) > ENTRIES:
                raise TooLarge(f"more than {ENTRIES} entries")
    for name in sorted(names):
        try:
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        except OSError:
            continue  # gone since it was listed: the watch reads while the code runs
        yield folder, name, status, above + name
        if not stat.S_ISDIR(status.st_mode):
            continue
        try:
            inner = _enter(name, folder)
        except FileNotFoundError:
            continue
        try:
            yield from _walk(inner, f"{above}{name}/", depth + 1)
        finally:
            os.close(inner)


def _enter(path: str | Path, above: int | None = None) -> int:
    """Return a folder's descriptor; root is held to the folder's permissions as all are.

    Raises:
        TooLarge: it is locked, and may grow unseen.
        FileNotFoundError: it is gone, or no folder any more.
    """
    try:
        status = os.stat(path, dir_fd=above, follow_symlinks=False)
        if status.st_mode & 0o500 == 0o500:
            return os.open(path, _READ | os.O_DIRECTORY, dir_fd=above)
    except PermissionError:
        pass
    except OSError as error:
        raise FileNotFoundError(str(error)) from error
    raise TooLarge("a locked folder")


def _tree(root: Path) -> Iterator[tuple[int, str, os.stat_result, str]]:
    top = _enter(root)
    count = size = 0
    try:
        for found in _walk(top, "", 0):
            count += 1
            size += max(found[2].st_size, found[2].st_blocks * 512 - 4096)
            if count > ENTRIES or size > BYTES:
                raise TooLarge(f"more than {ENTRIES} entries or {BYTES} bytes")
            yield found
    finally:
        os.close(top)


def weigh(root: Path) -> None:
    """Return if the tree keeps within its limits; code may be changing it meanwhile.

    Raises:
        TooLarge: it does not.
    """
    for _ in _tree(root):
        pass


def _read(folder: int, name: str, status: os.stat_result) -> bytes | None:
    if not stat.S_ISREG(status.st_mode) or not status.st_mode & stat.S_IRUSR:
        return None
    try:
        descriptor = os.open(name, _READ, dir_fd=folder)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        return file.read(BYTES)


def _mails(outbox: bytes) -> Iterator[Mail]:
    for line in outbox.decode("utf-8", "replace").splitlines():
        try:
            row = json.loads(line)
            yield Mail(**{key: str(row[key]) for key in ("to", "subject", "body", "attached")})
        except (ValueError, KeyError, TypeError, RecursionError):
            continue  # not by mail.send: the agent's code may write there what it likes


def read_state(home: Path, mail: Path) -> State:
    """Return the state that a finished step left in its two folders.

    Raises:
        TooLarge: a tree exceeds its limits.
    """
    entries = {
        path: Entry(
            folder=stat.S_ISDIR(status.st_mode),
            mode=stat.S_IMODE(status.st_mode),
            content=_read(folder, name, status),
        )
        for folder, name, status, path in _tree(home)
    }
    outbox = b""
    for folder, name, status, path in _tree(mail):
        if path == "outbox.jsonl":
            outbox = _read(folder, name, status) or b""
    return State(entries=entries, mails=tuple(_mails(outbox)))
