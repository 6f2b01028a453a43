"""One process at a time holds a digest, whoever dies and on whatever host."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
import threading
import time
from contextlib import nullcontext
from pathlib import Path

import pytest
from safebasin.errors import MachineLacks
from safebasin.store.lock import hold_lock, is_held, try_lock

from ...wear import changes, dies_at, full_disk

BEAT, PATIENCE = 0.05, 1.2
LATE = 60.0
"""Nothing that goes on takes so long, however busy the machine is."""

HOLD = """
import sys
from pathlib import Path
from safebasin.store.lock import hold_lock
with hold_lock(Path(sys.argv[1]), beat=float(sys.argv[2])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    return tmp_path / ".locks" / "0123456789abcdef"


def holder(lock: Path) -> Path:
    return lock.with_name(f"{lock.name}.holder")


def hold_elsewhere(lock: Path, beat: float = BEAT) -> subprocess.Popen[str]:
    """Start a process that holds the lock until it is killed or its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(lock), str(beat)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


class AnotherHost(threading.Thread):
    """Holds the lock as a host does whose ``flock`` does not reach here: by its line alone."""

    def __init__(self, lock: Path) -> None:
        super().__init__(daemon=True)
        self.file = holder(lock)
        self.dead, self.done = threading.Event(), threading.Event()
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_text(self.line(0))

    def line(self, beats: int) -> str:
        return f"another-kernel another-host 17 {beats:012d}\n"

    def run(self) -> None:
        beats = 0
        while not self.dead.wait(BEAT):
            if self.done.is_set():
                self.file.unlink()
                return
            beats += 1
            self.file.write_text(self.line(beats))


def test_nothing_is_left_behind(lock):
    with hold_lock(lock, beat=BEAT):
        assert holder(lock).is_file()
    assert not holder(lock).exists()
    with pytest.raises(ZeroDivisionError), hold_lock(lock, beat=BEAT):
        raise ZeroDivisionError
    assert not holder(lock).exists()


def test_a_killed_process_of_this_host_holds_nothing(lock):
    process = hold_elsewhere(lock)
    process.kill()
    process.wait()
    assert holder(lock).exists()
    began = time.monotonic()
    with hold_lock(lock, patience=2 * LATE):
        assert time.monotonic() - began < LATE


def test_a_living_process_of_this_host_is_waited_for(lock):
    process, told = hold_elsewhere(lock), []

    def end() -> None:
        told.append("waiting")
        process.communicate()

    with hold_lock(lock, lambda: threading.Thread(target=end).start(), beat=BEAT):
        assert process.wait(LATE) == 0
    assert told == ["waiting"]


def test_a_process_of_another_host_is_waited_for_while_it_lives(lock):
    other = AnotherHost(lock)
    other.start()
    began = time.monotonic()
    threading.Timer(3 * PATIENCE, other.done.set).start()
    told = []
    with hold_lock(lock, lambda: told.append("waiting"), beat=BEAT, patience=PATIENCE):
        assert other.done.is_set()
        assert time.monotonic() - began >= 3 * PATIENCE
    assert told == ["waiting"]


def test_a_dead_process_of_another_host_is_waited_for_no_longer_than_it_may_be_silent(lock):
    AnotherHost(lock)
    began = time.monotonic()
    with hold_lock(lock, beat=BEAT, patience=PATIENCE):
        assert PATIENCE <= time.monotonic() - began < LATE


def test_two_that_wait_for_the_dead_get_it_one_after_the_other(lock):
    AnotherHost(lock)
    inside, most = [], []

    def work() -> None:
        with hold_lock(lock, beat=BEAT, patience=PATIENCE):
            inside.append(1)
            most.append(len(inside))
            time.sleep(4 * BEAT)
            inside.pop()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1, 1, 1]


def test_who_was_taken_for_dead_stops_and_says_so(lock):
    """A process that was suspended for long finds another's name where its own was."""
    process = hold_elsewhere(lock)
    AnotherHost(lock)
    told = process.communicate()[1] if process.wait(LATE) else ""
    assert process.returncode == 4
    assert "taken over by another host" in told
    assert "another-host" in holder(lock).read_text()


def test_where_the_file_system_has_no_locks_the_signs_of_life_do(lock, monkeypatch):
    def refuse(handle: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    inside = []
    with hold_lock(lock, beat=BEAT, patience=PATIENCE):

        def second() -> None:
            with hold_lock(lock, beat=BEAT, patience=PATIENCE):
                inside.append("second")

        waiter = threading.Thread(target=second)
        waiter.start()
        waiter.join(2 * PATIENCE)
        assert not inside
    waiter.join(LATE)
    assert inside == ["second"]


TORN = {
    "empty": b"",
    "cut short": b"0f3c another-host 17 0000",
    "all zeros": bytes(60),
    "no text": b"\xff\xfe\x00 garbage",
    "without a line end": b"kernel host 17 000000000001",
    "two lines": b"kernel host 17 000000000001\nkernel host 17 000000000001\n",
}


@pytest.mark.parametrize("torn", TORN.values(), ids=TORN)
@pytest.mark.parametrize("locks", [True, False], ids=["with flock", "without"])
def test_a_torn_name_is_nobodys_and_nobody_is_said_to_be_waited_for(torn, locks, lock, monkeypatch):
    """A kill between making the file and writing it, a full disk, a power cut."""
    if not locks:
        monkeypatch.setattr(fcntl, "flock", no_locks)
    holder(lock).parent.mkdir(parents=True)
    holder(lock).write_bytes(torn)
    told, began = [], time.monotonic()

    with hold_lock(lock, lambda: told.append("waiting"), beat=BEAT, patience=2 * LATE):
        assert time.monotonic() - began < LATE
        assert holder(lock).read_text().count("\n") == 1

    assert told == []
    assert [path.name for path in lock.parent.iterdir()] == [lock.name]


def test_a_name_that_is_just_being_written_is_waited_for(lock):
    """As on a file system without hard links, where it cannot come at once."""
    other = AnotherHost(lock)
    other.file.write_bytes(b"")
    other.start()
    threading.Timer(PATIENCE, other.done.set).start()
    with hold_lock(lock, beat=1.0, patience=LATE):
        assert other.done.is_set()


def no_locks(handle: int, operation: int) -> None:
    raise OSError(errno.ENOLCK, "No locks available")


def test_where_there_are_no_hard_links_a_name_is_written_all_the_same(lock, monkeypatch):
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    for _ in range(2):
        with hold_lock(lock, beat=BEAT):
            assert holder(lock).is_file()
        assert [path.name for path in lock.parent.iterdir()] == [lock.name]


@pytest.mark.parametrize("made", range(5))
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES])
def test_a_disk_that_takes_no_more_is_one_message_and_leaves_no_name(made, code, lock, tmp_path):
    number = changes(tmp_path, lambda: hold_lock(lock, beat=BEAT).__enter__())
    assert number >= 5
    for path in lock.parent.iterdir():
        path.unlink()
    lock.parent.rmdir()

    with full_disk(tmp_path, after=made, code=code):
        said = f"{lock.parent}.*{os.strerror(code)} .* bytes are free"
        refused = pytest.raises(MachineLacks, match=said) if made < 4 else nullcontext()
        with refused, hold_lock(lock, beat=BEAT):
            pass

    assert not list(tmp_path.rglob("*.holder*"))
    with hold_lock(lock, patience=2 * LATE, beat=BEAT):
        pass


def test_a_disk_that_is_full_when_the_name_is_written_leaves_none(lock, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        with pytest.raises(MachineLacks, match=r"No space left .* bytes are free.*free some room"):
            hold_lock(lock, beat=BEAT).__enter__()

    assert [path.name for path in lock.parent.iterdir()] == [lock.name]
    with hold_lock(lock, beat=BEAT):
        pass


def test_who_dies_at_any_change_of_locking_keeps_nobody_waiting(tmp_path):
    def work(lock: Path) -> None:
        with hold_lock(lock, beat=BEAT):
            pass

    number = changes(tmp_path, lambda: work(tmp_path / "counted" / "lock"))
    for at in range(number):
        lock, told = tmp_path / f"died-{at}" / "lock", []
        assert dies_at(at, tmp_path, lambda lock=lock: work(lock))
        began = time.monotonic()
        with hold_lock(lock, lambda told=told: told.append(1), beat=BEAT, patience=2 * LATE):
            assert time.monotonic() - began < LATE
        assert not told


def test_what_is_held_is_told_without_writing_and_tried_without_waiting(lock):
    assert not is_held(lock)
    assert not lock.parent.exists()
    process = hold_elsewhere(lock)
    assert is_held(lock)
    with try_lock(lock) as free:
        assert not free
    process.kill()
    process.wait()
    assert not is_held(lock)
    with try_lock(lock) as free:
        assert free
        assert is_held(lock)
    assert not holder(lock).exists()
    AnotherHost(lock)
    assert is_held(lock)
    with try_lock(lock) as free:
        assert not free
