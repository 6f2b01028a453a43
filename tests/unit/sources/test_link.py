from __future__ import annotations

from pathlib import Path

import pytest
from safebasin.sources.link import link_or_copy

OTHER_DISK = Path("/dev/shm")


def test_a_file_is_shared_and_links_to_it_are_followed(tmp_path: Path) -> None:
    (tmp_path / "blob").write_bytes(b"weights")
    (tmp_path / "name").symlink_to(tmp_path / "blob")

    way = link_or_copy(tmp_path / "name", tmp_path / "new" / "file")

    made = tmp_path / "new" / "file"
    assert made.read_bytes() == b"weights"
    assert not made.is_symlink()
    assert way in ("reflink", "hard link")
    assert (made.stat().st_ino == (tmp_path / "blob").stat().st_ino) == (way == "hard link")


def test_a_file_of_another_disk_is_copied(tmp_path: Path) -> None:
    if not OTHER_DISK.is_dir() or OTHER_DISK.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system to write to")
    far = OTHER_DISK / f"safebasin-{tmp_path.name}"
    far.write_bytes(b"weights")

    try:
        way = link_or_copy(far, tmp_path / "file")
    finally:
        far.unlink()

    assert (way, (tmp_path / "file").read_bytes()) == ("copy", b"weights")
