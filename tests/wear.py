"""Ways in which a file is found torn, and a process that dies, or a disk that fills, at any change.

The changes are those that Python tells its audit hooks: files opened for writing, made, linked,
renamed, deleted. A hook cannot be taken back, so there is one, which looks at nothing unless a test
asks it to.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Tear = Callable[[Path], object]


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


TEARS: dict[str, Tear] = {
    "cut in half": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "without its last byte": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "empty": lambda path: path.write_bytes(b""),
    "all zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "of other bytes": lambda path: path.write_bytes(b"\xff\xfe{ garbage\n\n\x00"),
    "with one bit flipped": _flip,
    "gone": Path.unlink,
}


class Died(BaseException):
    """The process is dead: whatever cleans up after an error does not."""


_MAKING = ("open", "os.mkdir", "os.link", "os.symlink")
_CHANGING = (*_MAKING, "os.rename", "os.remove", "os.rmdir", "os.truncate", "os.chmod", "os.utime")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


@dataclass
class _Watch:
    root: str
    fault: Callable[[str, str], BaseException | None]
    seen: int = 0


_watch: _Watch | None = None


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    watch = _watch
    if watch is None or event not in _CHANGING:
        return
    if event == "open" and not (isinstance(arguments[2], int) and arguments[2] & _WRITING):
        return
    # Within a folder that is deleted, names are told without their folder.
    path = os.fspath(arguments[0]) if isinstance(arguments[0], str | os.PathLike) else ""
    if str(path).startswith("/") and not str(path).startswith(watch.root):
        return
    watch.seen += 1
    if problem := watch.fault(event, str(path)):
        raise problem


sys.addaudithook(_hook)


@contextmanager
def _watching(root: Path, fault: Callable[[str, str], BaseException | None]) -> Iterator[_Watch]:
    global _watch
    _watch = _Watch(root=str(root), fault=fault)
    try:
        yield _watch
    finally:
        _watch = None


def changes(root: Path, work: Callable[[], object]) -> int:
    """Return how many changes ``work`` makes below ``root``."""
    with _watching(root, lambda event, path: None) as watch:
        work()
    return watch.seen


def dies_at(number: int, root: Path, work: Callable[[], object]) -> bool:
    """Run ``work`` and let it die instead of its change ``number`` (from 0); say whether it did."""
    with _watching(root, lambda event, path: Died() if watch.seen > number else None) as watch:
        try:
            work()
        except Died:
            return True
    return False


@contextmanager
def full_disk(root: Path, after: int = 0, code: int = errno.ENOSPC) -> Iterator[None]:
    """Let nothing be made below ``root`` any more after so many things; deleting still works."""

    def fault(event: str, path: str) -> OSError | None:
        nonlocal after
        if event not in _MAKING:
            return None
        after -= 1
        return OSError(code, os.strerror(code), path) if after < 0 else None

    with _watching(root, fault):
        yield
