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
import re
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from safebasin.disk_faults import disk_fault

BEAT = 10.0
"""Seconds between two beats of a holder's heart."""
PATIENCE = 120.0
"""Seconds of silence after which a holder on another host counts as dead; it is far more than
network file systems take to show another host's change."""
_LINE = re.compile(r"\S+ .+ \d+ \d{12}\n")
"""What a living holder writes, and always all of it."""
_NO_LINKS_HERE = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EACCES}
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

    Raises:
        MachineLacks: the file system lets nobody lock there; nothing is left behind.
    """
    say = cache(waiting) if waiting else lambda: None  # both locks may make it wait
    with ExitStack() as held:
        try:
            alone = _alone_on_host(_opened(path, held), say)
            holder = _holder_of(path, beat, patience)
            holder.enter(alone, say)
        except OSError as problem:
            raise disk_fault(problem, path.parent) from problem
        held.callback(holder.leave)
        yield


@contextmanager
def try_lock(path: Path) -> Iterator[bool]:
    """Hold the lock at ``path`` if nobody has it, without waiting; yield whether it is held.

    A name that another host left counts as one who lives: to tell would be to wait.

    Raises:
        MachineLacks: the file system lets nobody lock there.
    """
    with ExitStack() as held:
        try:
            handle, free = _opened(path, held), False
            with suppress(BlockingIOError):
                free = _locked_at_once(handle) and _holder_of(path).is_none_elsewhere()
            if free:
                holder = _holder_of(path)
                holder.enter(alone=True, waiting=lambda: None)
                held.callback(holder.leave)
        except OSError as problem:
            raise disk_fault(problem, path.parent) from problem
        yield free


def is_held(path: Path) -> bool:
    """Say whether a process of this host holds the lock at ``path``, or another host's may.

    Nothing is written: a store may be one that only others can write.
    """
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return not _holder_of(path).is_none_elsewhere()
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    return not _holder_of(path).is_none_elsewhere()


def _opened(path: Path, held: ExitStack) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    held.callback(os.close, handle)
    return handle


def _holder_of(path: Path, beat: float = BEAT, patience: float = PATIENCE) -> _Holder:
    return _Holder(path.with_name(f"{path.name}.holder"), beat, patience)


def _alone_on_host(handle: int, waiting: Callable[[], None]) -> bool:
    """Take the operating system's lock; say whether this file system has such locks."""
    try:
        return _locked_at_once(handle)
    except BlockingIOError:
        waiting()
        fcntl.flock(handle, fcntl.LOCK_EX)
        return True


def _locked_at_once(handle: int) -> bool:
    """Take the operating system's lock, or say that there are none here.

    Raises:
        BlockingIOError: another process of this host has it.
    """
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
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
            if not _LINE.fullmatch(seen):
                # Nobody's name: a disk that was full or lost power. Who is just writing one where
                # there are no links takes no second for it.
                if not self._is_silent(seen, min(1.0, 4 * self.beat)):
                    continue
            elif not (alone and seen.startswith(_kernel())):
                waiting()
                if not self._is_silent(seen, self.patience):
                    continue
            self._remove(seen)
        self._heart = threading.Thread(target=self._live, daemon=True)
        self._heart.start()

    def leave(self) -> None:
        """Take the own name away."""
        self._left.set()
        if self._heart:
            self._heart.join()
        with suppress(OSError):  # the work is done; the name says of itself that nobody lives
            if self._is_mine():
                self.path.unlink(missing_ok=True)

    def is_none_elsewhere(self) -> bool:
        """Say whether no process of another host has left its name."""
        seen = self._read()
        return seen is None or not _LINE.fullmatch(seen) or seen.startswith(_kernel())

    def _create(self) -> bool:
        """Put the whole line there at once, or nothing; say whether the place was free."""
        own = self._aside()
        own.unlink(missing_ok=True)
        try:
            self._write_new(own)
            try:
                os.link(own, self.path)
            except FileExistsError:
                return False
            except OSError as problem:
                if problem.errno not in _NO_LINKS_HERE:
                    raise
                return self._create_without_links()
            return True
        finally:
            own.unlink(missing_ok=True)

    def _create_without_links(self) -> bool:
        try:
            self._write_new(self.path)
        except FileExistsError:
            return False
        return True

    def _write_new(self, path: Path) -> None:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            self._write(handle, 0)
        except OSError:
            path.unlink(missing_ok=True)
            raise

    def _write(self, handle: int, beats: int) -> None:
        """Write over the line, which always has one length; others see it once it is closed."""
        try:
            os.pwrite(handle, f"{self._name} {beats:012d}\n".encode(), 0)
        finally:
            os.close(handle)

    def _read(self) -> str | None:
        """Return the line, or None where there is none."""
        try:
            return _text(self.path)
        except FileNotFoundError:
            return None

    def _is_mine(self) -> bool:
        return (self._read() or "").rpartition(" ")[0] == self._name

    def _is_silent(self, seen: str, patience: float) -> bool:
        """Watch until the line changes (False), or has been the same for too long (True)."""
        end = time.monotonic() + patience
        while time.monotonic() < end:
            time.sleep(min(1.0, self.beat))
            if self._read() != seen:
                return False
        return True

    def _remove(self, seen: str) -> None:
        """Remove the line of a dead holder, but not that of another who was faster."""
        aside = self._aside()
        try:
            self.path.rename(aside)
        except FileNotFoundError:
            return
        if _text(aside) != seen:
            with suppress(FileExistsError):  # a third one: whose name is lost stops by itself
                os.link(aside, self.path)
        aside.unlink()

    def _aside(self) -> Path:
        """Return a name that no other thread of any process uses."""
        return self.path.with_name(
            f"{self.path.name}.{_kernel()}.{os.getpid()}.{threading.get_ident()}"
        )

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


def _text(path: Path) -> str:
    """Return the text of a file whatever bytes it holds."""
    return path.read_text(encoding="utf-8", errors="surrogateescape")


def _kernel() -> str:
    """Return what tells this running kernel from all others; containers of one host share it."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
