"""Hashes of files that this user's processes on this machine have hashed before.

A file is known by device, inode, size, and the times of its last writing and last change, to the
nanosecond: whoever changes a byte changes one of these. What is remembered lies in one file of the
user's cache folder, a line per file hashed. A line that is damaged, or was written by halves, does
not count; without a cache every file is hashed.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from safebasin.store.artifact import FileRecord, hash_file

SETTLED = 2_000_000_000
"""Nanoseconds that must lie between a file's last change and its hashing for the hash to be kept: a
file that is changed again within the same tick of the file system's clock looks as it did before.
Two seconds are the coarsest clock in use."""
LARGEST = 1 << 23
"""Bytes of remembered hashes, some 50,000 files; beyond it the older half is forgotten."""
FORGOTTEN = 30 * 86_400
"""Seconds without use after which what another start of a machine remembered is removed."""
_SECOND = 1_000_000_000


class HashMemory:
    """Hashes files, and remembers what it hashed."""

    def __init__(self, path: Path | None, began: int) -> None:
        """Remember in the file ``path``, or nowhere.

        Args:
            path: the file of what is remembered.
            began: a time before the first file is hashed, by the clock of the file system where
                the files are (``now_at``), in nanoseconds.
        """
        self._path = path
        self._began = began
        self._known = _read(path) if path else {}
        self._new: dict[str, str] = {}

    def hash_file(self, path: Path) -> FileRecord:
        """Return the SHA-256 and size of the file."""
        before = identity(path)
        sha256 = self._new.get(before) or _checked(before, self._known.get(before))
        if sha256 is not None:
            return FileRecord(sha256=sha256, size=int(before.split()[2]))
        record = hash_file(path)
        if identity(path) == before and self._is_settled(before):
            self._new[before] = record.sha256
        return record

    def save(self) -> None:
        """Let other processes know what was hashed; a cache that cannot be written has no harm."""
        if self._path is None or not self._new:
            return
        lines = [f"{_line(seen, sha256)}\n" for seen, sha256 in self._new.items()]
        with suppress(OSError):
            _append(self._path, "".join(lines).encode())
            self._known |= {seen: _line(seen, sha256) for seen, sha256 in self._new.items()}
            self._new = {}

    def _is_settled(self, seen: str) -> bool:
        changed = int(seen.split()[4])
        # Where times are whole seconds, inodes are often made up as well.
        return changed % _SECOND != 0 and self._began - changed > SETTLED


def identity(path: Path) -> str:
    """Return what tells the file's present content from any other: a change changes it.

    The file is opened first: a client of a network file system asks its server then.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        stat = os.fstat(handle)
    finally:
        os.close(handle)
    return f"{stat.st_dev} {stat.st_ino} {stat.st_size} {stat.st_mtime_ns} {stat.st_ctime_ns}"


def now_at(folder: Path) -> int:
    """Return the time by the clock of the folder's file system: a server's may be behind ours.

    Returns:
        Nanoseconds; 0, a time at which no file has settled, where nothing can be written.
    """
    try:
        with tempfile.TemporaryFile(dir=folder) as probe:
            return min(os.fstat(probe.fileno()).st_ctime_ns, time.time_ns())
    except OSError:
        return 0


def memory_file() -> Path | None:
    """Return where this user's processes on this machine remember hashes, or None.

    Device numbers hold while a kernel runs, so each start of a machine has a file of its own.
    """
    told = Path(os.environ.get("XDG_CACHE_HOME", ""))
    try:
        home = told if told.is_absolute() else Path.home() / ".cache"
        kernel = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except (OSError, ValueError, RuntimeError):
        return None
    return home / "safebasin" / "hashes" / f"{kernel}.{os.getuid()}"


def _line(seen: str, sha256: str) -> str:
    text = f"{seen} {sha256}"
    return f"{text} {hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _checked(seen: str, line: str | None) -> str | None:
    """Return the SHA-256 that a line tells, if it is whole and of the file ``seen``."""
    if line is None:
        return None
    sha256 = line.split(" ")[5]
    return sha256 if len(sha256) == 64 and line == _line(seen, sha256) else None


def _read(path: Path) -> dict[str, str]:
    """Return the lines by what file they tell of; what is not ours, or too much, is not read."""
    try:
        stat = path.stat()
        if not path.is_file() or stat.st_uid != os.getuid() or stat.st_size > 2 * LARGEST:
            return {}
        lines = path.read_text(encoding="ascii", errors="replace").split("\n")
    except OSError:
        return {}
    return {" ".join(words[:5]): line for line in lines if len(words := line.split(" ")) == 7}


def _append(path: Path, lines: bytes) -> None:
    """Add lines with one write; a line that was torn before is closed off first."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _forget_others(path)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK, 0o600)
    try:
        os.write(handle, b"\n" + lines)
        size = os.fstat(handle).st_size
    finally:
        os.close(handle)
    if size > LARGEST:
        _forget_half(path)


def _forget_half(path: Path) -> None:
    """Keep the newer half; what another process adds meanwhile is hashed once more."""
    kept = path.read_bytes()[-LARGEST // 2 :].partition(b"\n")[2]
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_bytes(kept)
    draft.chmod(0o600)
    draft.replace(path)


def _forget_others(path: Path) -> None:
    """Remove what earlier starts of this machine, and machines long unused, have left."""
    for other in path.parent.iterdir():
        with suppress(OSError):  # another process was faster, or it is nothing of ours
            if time.time() - other.stat().st_mtime > FORGOTTEN:
                other.unlink()
