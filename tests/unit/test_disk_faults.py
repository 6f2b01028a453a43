"""What a fault of the disk says, and that nothing else is taken for one."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest
import safetensors.torch
import torch
from safebasin import cli
from safebasin.disk_faults import disk_faults_told
from safebasin.errors import MachineLacks
from safebasin.store.publish import write_atomically
from safebasin.store.writers import write_safetensors
from safetensors import SafetensorError


def raised(problem: OSError, folder: Path) -> str:
    with pytest.raises(MachineLacks) as caught, disk_faults_told(folder):
        raise problem
    return str(caught.value)


@pytest.mark.parametrize(
    ("code", "cure"),
    [
        (errno.ENOSPC, "free some room or move the store"),
        (errno.EDQUOT, "free some room or move the store"),
        (errno.EFBIG, "free some room or move the store"),
        (errno.EROFS, "must be made in a store that can be written"),
        (errno.EIO, "look at the disk"),
        (errno.EXDEV, "in one file system"),
        (errno.ENAMETOOLONG, "a shorter path"),
        (errno.ELOOP, "back to itself"),
        (errno.ESTALE, "look at the disk"),
        (errno.EACCES, "docs/store.md"),
        (errno.EPERM, "docs/store.md"),
    ],
)
def test_each_names_place_cause_room_and_cure(code, cure, tmp_path):
    place = tmp_path / "none" / "file"
    named = raised(OSError(code, os.strerror(code), str(place)), Path("/elsewhere"))
    unnamed = raised(OSError(code, os.strerror(code)), tmp_path)

    for said, where in ((named, place), (unnamed, tmp_path)):
        assert said.startswith(f"{where}: {os.strerror(code)} (")
        assert "bytes are free" in said
        assert cure in said
        assert "\n" not in said


@pytest.mark.parametrize("code", [errno.ENOENT, errno.EEXIST, errno.EPIPE, None])
def test_another_error_stays_what_it_is(code, tmp_path):
    with pytest.raises(OSError) as caught, disk_faults_told(tmp_path):
        raise OSError(code, "something else") if code else OSError("no number")
    assert not isinstance(caught.value, MachineLacks)


def test_of_a_copy_the_place_that_is_full_is_named():
    problem = OSError(errno.ENOSPC, "No space left on device", "/from", None, "/dev/full/to")
    assert raised(problem, Path("/elsewhere")).startswith("/dev/full/to: ")


def test_a_full_disk_below_safetensors_is_told_like_any_other(tmp_path, monkeypatch):
    """Rust says it in words alone."""

    def full(*_: object, **__: object) -> None:
        raise SafetensorError("Error while serializing: I/O error: No space (os error 28)")

    monkeypatch.setattr(safetensors.torch, "save_file", full)
    said = pytest.raises(MachineLacks, match=r"/x\.safetensors: No space left on device")
    with said, disk_faults_told(Path("/elsewhere")):
        write_safetensors(tmp_path / "x.safetensors", {"a": torch.zeros(3)})


@pytest.mark.parametrize("mode", [0o755, 0o775, 0o700])
def test_weights_are_as_readable_as_their_folder(mode, tmp_path):
    tmp_path.chmod(mode)
    write_safetensors(tmp_path / "x", {"a": torch.zeros(3)})
    assert (tmp_path / "x").stat().st_mode & 0o777 == mode & 0o666


@pytest.mark.parametrize("command", ["check", "show", "results", "lock"])
def test_every_command_says_it_so(command, tmp_path, capsys, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(tmp_path / "file"))

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli, "_run_command", full)
    with pytest.raises(SystemExit) as ended:
        cli.main([command])
    told = capsys.readouterr().err
    assert ended.value.code == 4
    assert told.startswith(f"safebasin: {tmp_path}/file: No space left on device (")
    assert len(told.splitlines()) == 1


def test_a_draft_that_a_full_disk_cut_is_taken_away(tmp_path, monkeypatch):
    write_atomically(tmp_path / "receipt", "old")

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_atomically(tmp_path / "receipt", "new")

    assert [path.name for path in tmp_path.iterdir()] == ["receipt"]
    assert (tmp_path / "receipt").read_text() == "old"
    assert shutil.disk_usage(tmp_path).free
