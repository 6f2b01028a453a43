"""A whole step that dies, or whose disk is full or closed, at any change that it makes."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from safebasin import run_step as running
from safebasin.errors import MachineLacks, SafebasinError
from safebasin.resume.place import state_of
from safebasin.run_step import Request, run_step
from safebasin.steps import fetch_source, write_demonstrations
from safebasin.steps.job import Job
from safebasin.store.publish import UndeclaredFile
from safebasin.store.spec import Spec
from safebasin.store.store import Store
from safebasin.store.verify import verify

from ..wear import Died, changes, dies_at, full_disk

FILES = {"a.csv": b"1,2\n", "deep/b.bin": bytes(10), "resume": b"mine", "resume.d/resume": b"2"}


@pytest.fixture(autouse=True)
def modest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the process as it is, and say nothing of what ran."""
    monkeypatch.setattr(running, "_set_environment", lambda *_: None)
    monkeypatch.setattr(running.gc, "set_threshold", lambda *_: None)
    monkeypatch.setattr(running, "_annotate", lambda *_: {"seconds": 0})


@pytest.fixture
def local(tmp_path: Path) -> Path:
    for name, content in FILES.items():
        (tmp_path / "local" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "local" / name).write_bytes(content)
    return tmp_path / "local"


def source(files: dict[str, bytes]) -> Spec:
    wanted = [
        {"name": name, "sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
        for name, content in files.items()
    ]
    return Spec(kind="source", params={"files": wanted})


def fetch(root: Path, local: Path) -> dict[str, bytes]:
    """Fetch the folder into a store of its own; return all that is in the store and the receipt."""
    spec, store = source(FILES), Store(root / "store")
    receipt = root / "receipt.json"
    run_step(
        Request(
            step="fetch_source",
            spec=spec,
            store=store,
            receipt=receipt,
            origin={"folder": str(local)},
        )
    )
    assert not list(verify(store))
    found = [path for path in root.rglob("*") if path.is_file() and ".locks" not in path.parts]
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in found}


def test_files_of_any_name_but_the_stores_own_are_published(local, tmp_path):
    made = fetch(tmp_path / "out", local)

    home = f"store/source/{source(FILES).digest}"
    assert {name: made[f"{home}/{name}"] for name in FILES} == FILES
    assert set(made) == {f"{home}/{name}" for name in [*FILES, "artifact.json", "run.json"]} | {
        "receipt.json"
    }
    assert set(json.loads(made[f"{home}/artifact.json"])["files"]) == set(FILES)


def test_a_step_that_dies_at_any_change_is_made_whole_by_the_next_try(local, tmp_path):
    whole = fetch(tmp_path / "whole", local)
    number = changes(tmp_path, lambda: fetch(tmp_path / "counted", local))
    assert number > 30
    for at in range(number):
        root = tmp_path / f"died-{at}"
        assert dies_at(at, tmp_path, lambda root=root: fetch(root, local))
        again = fetch(root, local)
        drafts = {name for name in again if ".receipt.json." in name}
        assert {name: again[name] for name in set(again) - drafts - left_over(again)} == whole


def left_over(found: dict[str, bytes]) -> set[str]:
    """What a kill after publishing leaves: told by `verify`, cleared by `scratch`."""
    return {name for name in found if name.startswith("store/.scratch/")}


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES])
def test_a_disk_that_takes_no_more_at_any_change_is_one_message(code, local, tmp_path):
    whole = fetch(tmp_path / "whole", local)
    for made in range(0, 40, 1 if code == errno.ENOSPC else 5):
        root = tmp_path / f"full-{made}"
        said = told_with(full_disk(tmp_path, after=made, code=code), root, local)
        assert (
            re.fullmatch(f"{root}.*: {os.strerror(code)} .* bytes are free.*", said)
            if said
            else made > 20
        )
        assert not list(root.rglob("*.holder*"))
        assert not list(root.glob(".receipt*"))
        assert fetch(root, local) == whole


def told_with(fault: AbstractContextManager[None], root: Path, local: Path) -> str | None:
    try:
        with fault:
            fetch(root, local)
    except MachineLacks as problem:
        return str(problem)
    return None


def test_a_real_disk_that_is_full_is_one_message_naming_folder_and_cure(tmp_path):
    """A file system of 1 MiB, which only root can make."""
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(small)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("no file system can be mounted here")
    try:
        local = tmp_path / "local"
        local.mkdir()
        (local / "large").write_bytes(bytes(700_000))  # once: it is moved into place
        files = {"large": bytes(700_000)}
        (small / "filler").write_bytes(bytes(600_000))
        request = Request(
            step="fetch_source",
            spec=source(files),
            store=Store(small / "store"),
            origin={"folder": str(local)},
        )
        with pytest.raises(MachineLacks, match="free some"):
            run_step(request)
        with pytest.raises(OSError, match="No space"):
            (small / "more").write_bytes(bytes(1_000_000))
        with pytest.raises(MachineLacks, match=r"small/.*No space left on device .*free some room"):
            run_step(request)
        (small / "more").unlink()
        (small / "filler").unlink()
        assert run_step(request)
    finally:
        subprocess.run(["umount", str(small)], check=True)


def demonstrations(root: Path, run: Callable[[Job], None], monkeypatch) -> bool:
    monkeypatch.setattr(write_demonstrations, "run", run)
    monkeypatch.setattr(running, "_check_code", lambda *_: None)
    return run_step(
        Request(
            step="write_demonstrations", spec=Spec(kind="mixture", params={}), store=Store(root)
        )
    )


def test_files_of_an_earlier_try_are_gone_and_its_state_is_there(tmp_path, monkeypatch):
    store, digest = Store(tmp_path), Spec(kind="mixture", params={}).digest

    def die(job: Job) -> None:
        job.state.mkdir()
        (job.state / "rows.parquet").write_text("state")
        (job.folder / "rows.parquet").write_text("half")
        (job.folder / "more").write_text("of an earlier way to write them")
        raise Died

    def work(job: Job) -> None:
        assert not list(job.folder.iterdir())
        assert (job.state / "rows.parquet").read_text() == "state"
        (job.folder / "rows.parquet").write_text("whole")

    with pytest.raises(Died):
        demonstrations(tmp_path, die, monkeypatch)
    assert demonstrations(tmp_path, work, monkeypatch)

    made = store.get("mixture", digest)
    assert made is not None
    assert set(made.files) == {"rows.parquet"}
    assert not list((tmp_path / ".scratch").iterdir())


@pytest.mark.parametrize(
    "name", ["artifact.json", "run.json", "artifact.json/rows.parquet", "deep/rows.parquet", "x"]
)
def test_no_file_vanishes_and_none_is_taken_in_beside_the_declared(name, tmp_path, monkeypatch):
    def work(job: Job) -> None:
        (job.folder / "rows.parquet").write_text("rows")
        (job.folder / name).parent.mkdir(exist_ok=True)
        (job.folder / name).write_text("more")

    with pytest.raises(UndeclaredFile, match=name):
        demonstrations(tmp_path, work, monkeypatch)

    assert Store(tmp_path).get("mixture", Spec(kind="mixture", params={}).digest) is None


def test_a_state_of_the_wrong_kind_is_no_hindrance(tmp_path, monkeypatch):
    scratch = Store(tmp_path).scratch(Spec(kind="mixture", params={}).digest)
    scratch.parent.mkdir()
    scratch.write_text("a file")
    state_of(scratch).write_text("another")

    def work(job: Job) -> None:
        job.state.mkdir()
        (job.folder / "rows.parquet").write_text("rows")

    assert demonstrations(tmp_path, work, monkeypatch)
    assert not list((tmp_path / ".scratch").iterdir())


def test_other_files_than_the_wanted_ones_are_never_published(local, tmp_path, monkeypatch):
    def fetch_more(origin, wanted, into, progress):
        for each in wanted[1:]:
            (into / each.name).parent.mkdir(parents=True, exist_ok=True)
            (into / each.name).write_bytes(FILES[each.name])
        (into / "more").write_bytes(b"x")

    monkeypatch.setattr(fetch_source, "fetch_files", fetch_more)
    with pytest.raises(SafebasinError, match=r"differs in \['a\.csv', 'more'\]"):
        fetch(tmp_path / "out", local)
    assert not list((tmp_path / "out").rglob("artifact.json"))


@pytest.fixture
def closed() -> Iterator[Path]:
    """A folder where any user can get to."""
    with tempfile.TemporaryDirectory(prefix="safebasin-closed-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


AS_A_USER = """
import json, os, sys
root, local, files = json.loads(sys.argv[1])
sys.path.insert(0, sys.argv[2])
import grp, pwd
from pathlib import Path
from tests.unit import test_worn_step as worn
from safebasin import run_step as running
from safebasin.errors import SafebasinError
for warm in (root + "-warm",):
    worn.fetch(Path(warm), Path(local))
os.setgroups([]), os.setgid(60005), os.setuid(60005)
store, spec = worn.Store(Path(root) / "store"), worn.source(worn.FILES)
made = running.run_step(worn.Request(step="fetch_source", spec=spec, store=store))
print("made" if made else "found")
other = worn.source({"a.csv": worn.FILES["a.csv"]})
try:
    running.run_step(
        worn.Request(step="fetch_source", spec=other, store=store, origin={"folder": local})
    )
except SafebasinError as problem:
    print(type(problem).__name__, problem)
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_an_ordinary_user_finds_what_is_in_a_closed_store_and_makes_nothing_there(closed):
    local, root = closed / "local", closed / "out"
    for name, content in FILES.items():
        (local / name).parent.mkdir(parents=True, exist_ok=True)
        (local / name).write_bytes(content)
    fetch(root, local)
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}

    ended = subprocess.run(
        [sys.executable, "-c", AS_A_USER, json.dumps([str(root), str(local), list(FILES)]),
         str(Path(__file__).parents[2])],
        capture_output=True, text=True, cwd=closed,
    )  # fmt: skip

    assert ended.returncode == 0, ended.stderr
    first, second = ended.stdout.splitlines()
    assert first == "found"
    assert second.startswith("MachineLacks ")
    assert "Permission denied" in second
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before
