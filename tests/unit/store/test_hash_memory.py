"""What is remembered of files saves hashing them, and is never wrong."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from safebasin.store import hash_memory
from safebasin.store.artifact import FileRecord, hash_file
from safebasin.store.hash_memory import SETTLED, HashMemory, memory_file, now_at

LONG_AFTER = time.time_ns() + 10**15
"""A time at which files of now have long settled."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(b"what it holds")
    return path


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that were really hashed."""
    seen: list[Path] = []

    def counted(path: Path) -> FileRecord:
        seen.append(path)
        return hash_file(path)

    monkeypatch.setattr(hash_memory, "hash_file", counted)
    return seen


def asked(cache: Path | None, file: Path, began: int = LONG_AFTER) -> FileRecord:
    """Return the hash of a file as a process of its own would get it."""
    memory = HashMemory(cache, began)
    record = memory.hash_file(file)
    memory.save()
    return record


def test_another_process_does_not_hash_what_one_has_hashed(file, tmp_path, hashed):
    for _ in range(3):
        assert asked(tmp_path / "cache", file) == hash_file(file)
    assert len(hashed) == 1


def write_over(path: Path) -> None:
    path.write_bytes(b"other bytes!!")


def write_over_with_the_old_time(path: Path) -> None:
    before = path.stat()
    path.write_bytes(b"other bytes!!")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def put_another_in_its_place(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(b"other bytes!!")
    before = path.stat()
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(path)


def append(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"!")


@pytest.mark.parametrize(
    "change", [write_over, write_over_with_the_old_time, put_another_in_its_place, append]
)
def test_a_changed_file_is_hashed_again(change, file, tmp_path, hashed):
    asked(tmp_path / "cache", file)
    change(file)
    assert asked(tmp_path / "cache", file) == hash_file(file)
    assert len(hashed) == 2


@pytest.mark.parametrize(("age", "is_kept"), [(SETTLED + 1, True), (SETTLED, False), (-5, False)])
def test_a_file_that_has_just_changed_is_not_remembered(age, is_kept, file, tmp_path, hashed):
    """It may change once more within one tick of the clock, and look the same."""
    for _ in range(2):
        asked(tmp_path / "cache", file, began=file.stat().st_ctime_ns + age)
    assert len(hashed) == (1 if is_kept else 2)


def test_where_no_clock_can_be_read_nothing_is_remembered(file, tmp_path, hashed):
    assert now_at(tmp_path / "nowhere") == 0
    for _ in range(2):
        asked(tmp_path / "cache", file, began=0)
    assert len(hashed) == 2


def test_the_clock_is_that_of_the_file_system(tmp_path):
    assert abs(now_at(tmp_path) - time.time_ns()) < 10**10
    assert list(tmp_path.iterdir()) == []


def test_a_file_system_that_keeps_whole_seconds_is_not_trusted(file, tmp_path, hashed, monkeypatch):
    monkeypatch.setattr(hash_memory, "identity", lambda path: "1 2 13 4000000000 5000000000")
    for _ in range(2):
        asked(tmp_path / "cache", file)
    assert len(hashed) == 2


def test_a_file_that_changes_while_it_is_hashed_is_not_remembered(file, tmp_path, monkeypatch):
    def slowly(path: Path) -> FileRecord:
        record = hash_file(path)
        path.write_bytes(b"other bytes!!")
        return record

    monkeypatch.setattr(hash_memory, "hash_file", slowly)
    asked(tmp_path / "cache", file)
    assert not (tmp_path / "cache").exists()


def spoil_digit(cache: Path) -> None:
    text = cache.read_text()
    place = text.index(" ", text.index("\n") + 1) + 1  # in the numbers of the file
    cache.write_text(text[:place] + ("1" if text[place] != "1" else "2") + text[place + 1 :])


def spoil_hash(cache: Path) -> None:
    words = cache.read_text().split(" ")
    words[5] = words[5][::-1]
    cache.write_text(" ".join(words))


def cut(cache: Path) -> None:
    cache.write_bytes(cache.read_bytes()[:-9])


def garble(cache: Path) -> None:
    cache.write_bytes(b"\x00\xff\xfe" * 99 + b"\n")


def make_folder(cache: Path) -> None:
    cache.unlink()
    cache.mkdir()


def make_pipe(cache: Path) -> None:
    cache.unlink()
    os.mkfifo(cache)


@pytest.mark.parametrize("spoil", [spoil_digit, spoil_hash, cut, garble, make_folder, make_pipe])
def test_a_damaged_cache_is_none(spoil: Callable[[Path], None], file, tmp_path, hashed):
    cache = tmp_path / "cache"
    asked(cache, file)
    spoil(cache)
    assert asked(cache, file) == hash_file(file)
    assert len(hashed) == 2


def test_what_follows_a_torn_line_is_read(file, tmp_path, hashed):
    cache = tmp_path / "cache"
    cache.write_text("1 2 3")
    for _ in range(2):
        asked(cache, file)
    assert len(hashed) == 1


def test_the_cache_of_another_user_is_not_believed(file, tmp_path, hashed, monkeypatch):
    asked(tmp_path / "cache", file)
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    assert asked(tmp_path / "cache", file) == hash_file(file)
    assert len(hashed) == 2


def test_it_forgets_the_older_half_when_it_grows_too_large(file, tmp_path, hashed, monkeypatch):
    monkeypatch.setattr(hash_memory, "LARGEST", 2000)
    cache = tmp_path / "cache"
    for number in range(40):
        (tmp_path / f"file{number}").write_bytes(bytes([number]))
        asked(cache, tmp_path / f"file{number}")
        assert cache.stat().st_size <= 2000
    assert len(hashed) == 40
    asked(cache, tmp_path / "file39")
    assert len(hashed) == 40
    assert [path.name for path in tmp_path.glob("cache*")] == ["cache"]


def test_what_was_not_used_for_long_is_removed(file, tmp_path):
    folder = tmp_path / "hashes"
    folder.mkdir()
    for name, age in (("old", 31), ("young", 1)):
        (folder / name).touch()
        os.utime(folder / name, (0, time.time() - age * 86_400))
    asked(folder / "now", file)
    assert {path.name for path in folder.iterdir()} == {"now", "young"}


def test_what_cannot_be_removed_keeps_nothing_from_being_remembered(file, tmp_path, hashed):
    (tmp_path / "hashes" / "folder").mkdir(parents=True)
    os.utime(tmp_path / "hashes" / "folder", (0, 0))
    (tmp_path / "hashes" / "link").symlink_to("nowhere")
    for _ in range(2):
        asked(tmp_path / "hashes" / "now", file)
    assert len(hashed) == 1


@pytest.mark.parametrize("place", ["a file/cache", "/proc/1/nowhere/cache", "/dev/null/cache"])
def test_where_it_cannot_be_written_every_file_is_hashed(place, file, tmp_path, hashed):
    (tmp_path / "a file").touch()
    for _ in range(2):
        assert asked(tmp_path / place, file) == hash_file(file)
    assert asked(None, file) == hash_file(file)
    assert len(hashed) == 3


@pytest.mark.parametrize(
    ("told", "home"), [("/a/b", "/a/b"), ("", "/h/.cache"), ("b", "/h/.cache")]
)
def test_it_lies_in_the_users_cache_folder(told, home, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", told)
    monkeypatch.setenv("HOME", "/h")
    path = memory_file()
    assert path is not None
    assert path.parent == Path(home) / "safebasin" / "hashes"
    assert path.name.endswith(f".{os.getuid()}")


WRITER = """
import sys, time
from pathlib import Path
from safebasin.store.hash_memory import HashMemory
for number in range(50):
    memory = HashMemory(Path(sys.argv[1]), time.time_ns() + 10**15)
    for each in range(5):
        memory.hash_file(Path(sys.argv[2]) / f"{(number + each + int(sys.argv[3])) % 50}")
    memory.save()
"""


def test_processes_at_the_same_time_spoil_nothing(tmp_path, hashed):
    for number in range(50):
        (tmp_path / f"{number}").write_bytes(bytes([number]) * number)
    arguments = [sys.executable, "-c", WRITER, str(tmp_path / "cache"), str(tmp_path)]
    writers = [subprocess.Popen([*arguments, str(start)]) for start in (0, 7, 25)]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    for number in range(50):
        path = tmp_path / f"{number}"
        assert asked(tmp_path / "cache", path) == hash_file(path)
    assert hashed == []
