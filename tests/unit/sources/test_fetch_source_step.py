from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from safebasin.errors import DamagedInput, StudyError
from safebasin.steps import fetch_source
from safebasin.steps.job import Job

from .loopback import sha256

FILES = {"x/a.csv": b"1,2\n", "b.bin": b"\0" * 10}
PARAMS = {
    "files": [
        {"name": name, "sha256": sha256(content), "size": len(content)}
        for name, content in FILES.items()
    ]
}


@pytest.fixture
def local(tmp_path: Path) -> Path:
    for name, content in FILES.items():
        (tmp_path / "local" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "local" / name).write_bytes(content)
    return tmp_path / "local"


def _run(folder: Path, params: dict[str, Any], origin: dict[str, str]) -> dict[str, bytes]:
    folder.mkdir(exist_ok=True)
    job = Job(digest="0" * 16, raw_params=params, inputs={}, folder=folder, origin=origin)
    try:
        fetch_source.run(job)
    finally:
        left = {
            each.relative_to(folder).as_posix(): each.read_bytes()
            for each in folder.rglob("*")
            if each.is_file()
        }
    return left


def test_what_a_killed_try_left_is_gone_at_the_end(local: Path, tmp_path: Path) -> None:
    for name in ("old.txt", "x/older.txt", "resume/unchecked/half"):
        (tmp_path / "out" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "out" / name).write_bytes(b"half")

    assert _run(tmp_path / "out", PARAMS, {"folder": str(local)}) == FILES


def test_a_changed_file_leaves_no_file(local: Path, tmp_path: Path) -> None:
    (local / "b.bin").write_bytes(b"\0" * 9 + b"\1")

    with pytest.raises(DamagedInput, match=r"b\.bin"):
        _run(tmp_path / "out", PARAMS, {"folder": str(local)})

    assert not list((tmp_path / "out").rglob("*"))


def test_a_wanted_name_that_escapes_is_refused(local: Path, tmp_path: Path) -> None:
    files = [{"name": "../local/b.bin", "sha256": "0" * 64, "size": 1}]

    with pytest.raises(DamagedInput, match=r"\.\./local"):
        _run(tmp_path / "out", {"files": files}, {"folder": str(local)})


def test_a_source_without_an_origin_is_told(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="no origin"):
        _run(tmp_path / "out", PARAMS, {})


def test_a_source_that_nobody_has_locked_is_refused_with_what_to_do(tmp_path: Path) -> None:
    origin = {"hub": "somebody/model", "revision": "unlocked", "kind": "model"}

    with pytest.raises(StudyError, match=r"somebody/model .* not locked.*`safebasin lock`"):
        _run(tmp_path / "out", {"unlocked": origin}, origin)


def test_an_unknown_key_of_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError):
        _run(tmp_path / "out", {"files": [{**PARAMS["files"][0], "mode": 1}]}, {"folder": "x"})
