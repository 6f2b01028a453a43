"""One process at a time makes an artifact, on whatever host that sees the store.

The operating system's lock (``flock``) dies with its process. It is all that processes of one
host need, and hosts whose shared file system carries it. Others refuse it, or keep it to one host
and say nothing. So who holds it leaves its name besides, and lets its heart beat there: another
host waits while it beats, and takes over from one that has fallen silent.
"""

from __future__ import annotations

import errno
import fcntl
import itertools
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

BEAT = 10.0
"""Seconds between two beats of a holder's heart."""
PATIENCE = 120.0
"""Seconds of silence after which a holder on another host counts as dead; it is far more than
network file systems take to show another host's change."""
_NO_LOCKS_HERE = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}


@contextmanager
def hold_lock(
    path: Path,
    waiting: Callable[[], None] | None = None,
    *,
    beat: float = BEAT,
    patience: float = PATIENCE,
) -> Iterator[None]:
    """Hold the lock at ``path`` against all processes on all hosts that see it.

    Args:
        path: a file for ``flock``; ``<path>.holder`` beside it names who is at work.
        waiting: called once if another process holds it.
        beat: seconds between two signs of life.
        patience: seconds without one, after which a holder on another host counts as dead.
    """
    say = cache(waiting) if waiting else lambda: None  # both locks may make it wait
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        alone = _alone_on_host(handle, say)
        holder = _Holder(path.with_name(f"{path.name}.holder"), beat, patience)
        holder.enter(alone, say)
        try:
            yield
        finally:
            holder.leave()
    finally:
        os.close(handle)


def _alone_on_host(handle: int, waiting: Callable[[], None]) -> bool:
    """Take the operating system's lock; say whether this file system has such locks."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        waiting()
        fcntl.flock(handle, fcntl.LOCK_EX)
    except OSError as problem:
        if problem.errno not in _NO_LOCKS_HERE:
            raise
        return False
    return True


@dataclass
class _Holder:
    """The file that names the process at work: kernel, host, process, beats; one line."""

    path: Path
    beat: float
    patience: float
    _name: str = field(init=False)
    _left: threading.Event = field(default_factory=threading.Event)
    _heart: threading.Thread | None = None

    def __post_init__(self) -> None:
        self._name = f"{_kernel()} {socket.gethostname()} {os.getpid()}"

    def enter(self, alone: bool, waiting: Callable[[], None]) -> None:
        """Write the own name, once nobody who lives has one there.

        ``alone``: no other process of this host is at work.
        """
        while not self._create():
            if (seen := self._read()) is None:
                continue  # it has just left
            if not (alone and seen.startswith(_kernel())):
                waiting()
                if not self._is_silent(seen):
                    continue
            self._remove(seen)
        self._heart = threading.Thread(target=self._live, daemon=True)
        self._heart.start()

    def leave(self) -> None:
        """Take the own name away."""
        self._left.set()
        if self._heart:
            self._heart.join()
        if self._is_mine():
            self.path.unlink(missing_ok=True)

    def _create(self) -> bool:
        try:
            handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        except FileExistsError:
            return False
        self._write(handle, 0)
        return True

    def _write(self, handle: int, beats: int) -> None:
        """Write over the line, which always has one length; others see it once it is closed."""
        try:
            os.pwrite(handle, f"{self._name} {beats:012d}\n".encode(), 0)
        finally:
            os.close(handle)

    def _read(self) -> str | None:
        """Return the line, or None where there is none."""
        try:
            return self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    def _is_mine(self) -> bool:
        return (self._read() or "").rpartition(" ")[0] == self._name

    def _is_silent(self, seen: str) -> bool:
        """Watch until the line changes (False), or has been the same for too long (True)."""
        end = time.monotonic() + self.patience
        while time.monotonic() < end:
            time.sleep(min(1.0, self.beat))
            if self._read() != seen:
                return False
        return True

    def _remove(self, seen: str) -> None:
        """Remove the line of a dead holder, but not that of another who was faster."""
        aside = self.path.with_name(f"{self.path.name}.{_kernel()}.{os.getpid()}")
        try:
            self.path.rename(aside)
        except FileNotFoundError:
            return
        if aside.read_text(encoding="utf-8") != seen:
            with suppress(FileExistsError):  # a third one: whose name is lost stops by itself
                os.link(aside, self.path)
        aside.unlink()

    def _live(self) -> None:
        """Beat until the work is done; end the process if another has taken over."""
        for beats in itertools.count(1):
            if self._left.wait(self.beat):
                return
            with suppress(OSError):  # a file system that is away for a moment
                if not self._is_mine():
                    self._stop()
                self._write(os.open(self.path, os.O_WRONLY), beats)

    def _stop(self) -> None:
        """End this process: what it goes on to write would meet what another writes."""
        print(
            f"safebasin: {self.path.name} was taken over by another host, which had seen no sign "
            f"of life for {self.patience:.0f} s; this process stops",
            file=sys.stderr,
            flush=True,
        )
        os._exit(4)


def _kernel() -> str:
    """Return what tells this running kernel from all others; containers of one host share it."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
