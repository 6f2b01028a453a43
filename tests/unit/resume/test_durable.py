"""Deleting what lies in a folder, wherever that folder lies."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from safebasin.resume.durable import discard


@pytest.mark.parametrize("left", ["", "half"])
def test_what_cannot_be_renamed_is_deleted_where_it_is(left, tmp_path, monkeypatch):
    """As a folder in a lower layer of an overlay cannot, such as one of a container's image."""
    folder = tmp_path / "state"
    (folder / "deep").mkdir(parents=True)
    if left:
        (tmp_path / "state.gone").mkdir()

    def rename(path: Path, target: Path) -> Path:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), str(path), None, str(target))

    monkeypatch.setattr(Path, "rename", rename)
    discard(folder)
    assert list(tmp_path.iterdir()) == []


def test_what_may_not_be_renamed_for_another_reason_stays(tmp_path, monkeypatch):
    def rename(path: Path, target: Path) -> Path:
        raise PermissionError(errno.EACCES, "no", str(path))

    (tmp_path / "state").mkdir()
    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(PermissionError):
        discard(tmp_path / "state")
    assert (tmp_path / "state").is_dir()
