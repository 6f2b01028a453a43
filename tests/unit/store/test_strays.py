"""What lies in scratch is told, and cleared without touching what a living process holds."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest
from safebasin.cli import main
from safebasin.store.store import Store

from .test_lock import hold_elsewhere

LEFT, HELD, ELSEWHERE = "0" * 16, "1" * 16, "2" * 16


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store with what a killed job left, what living ones hold, and what nobody knows."""
    store = Store(tmp_path / "store")
    for name in (LEFT, f"{LEFT}.state", f"{LEFT}.remains.17", HELD, f"{HELD}.state", ELSEWHERE):
        (store.root / ".scratch" / name / "deep").mkdir(parents=True)
        (store.root / ".scratch" / name / "deep" / "file").write_bytes(bytes(500_000))
    (store.root / ".scratch" / "notes\n.txt").write_bytes(b"mine")
    (store.root / ".scratch" / f"{LEFT}.gone").symlink_to("/nowhere")
    other = store.lock_file(ELSEWHERE)
    other.parent.mkdir()
    other.with_name(f"{other.name}.holder").write_text("kernel another-host 17 000000000003\n")
    return store


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 0
    return capsys.readouterr().out.splitlines()


def names(store: Store) -> set[str]:
    return {path.name for path in (store.root / ".scratch").iterdir()}


def test_nothing_is_written_or_deleted_by_looking(store, capsys):
    process = hold_elsewhere(store.lock_file(HELD), beat=10.0)
    before = set(store.root.rglob("*"))

    lines = told(capsys, "scratch", "--store", str(store.root))

    process.communicate()
    assert len(lines) == 9
    assert (
        set(store.root.rglob("*")) | {store.lock_file(HELD).with_name(f"{HELD}.holder")} == before
    )
    by_name = {line.split(":")[0]: line for line in lines}
    assert "0.50 MB" in by_name[LEFT]
    assert "held by nobody" in by_name[LEFT]
    assert "held by a living job" in by_name[HELD]
    assert "held by a living job, or by one of another host" in by_name[ELSEWHERE]
    assert "by hand" in by_name[r"notes\n.txt"]
    assert lines[-1].endswith("8 in .scratch, 3.00 MB")


def test_only_what_nobody_holds_is_cleared(store, capsys):
    process = hold_elsewhere(store.lock_file(HELD), beat=10.0)

    lines = told(capsys, "scratch", "--clear", "--store", str(store.root))

    process.communicate()
    kept = {HELD, f"{HELD}.state", ELSEWHERE, "notes\n.txt"}
    assert names(store) == kept
    assert sum(line.startswith("cleared") for line in lines) == 4
    told(capsys, "scratch", "--clear", "--store", str(store.root))
    assert names(store) == {ELSEWHERE, "notes\n.txt"}


@pytest.mark.parametrize("young", ["", ".state", ".inputs", ".remains.17"])
def test_what_is_young_can_be_spared_with_all_that_its_job_left(young, store, capsys):
    old, long_ago = "3" * 16, time.time() - 9 * 86400
    scratch = store.root / ".scratch"
    shutil.copytree(scratch / LEFT, scratch / old)
    (scratch / f"{LEFT}.inputs").write_text("{}")
    for path in [*scratch.rglob("*")]:
        if not path.name.endswith(".gone"):
            os.utime(path, (long_ago, long_ago))
    left = {name for name in names(store) if name.startswith(LEFT)}
    os.utime(scratch / f"{LEFT}{young}")
    (scratch / f"{LEFT}.gone").unlink()  # young, and no part of this

    told(capsys, "scratch", "--clear", "--older", "8", "--store", str(store.root))

    assert {name for name in names(store) if name.startswith(LEFT)} == left - {f"{LEFT}.gone"}
    assert old not in names(store)


def test_a_draft_that_a_kill_left_is_known_and_cleared(store, capsys):
    drafts = {f".{LEFT}.inputs.17", f".{HELD}.inputs.17"}
    for name in drafts:
        (store.root / ".scratch" / name).write_text("{")
    told(capsys, "scratch", "--clear", "--store", str(store.root))
    assert names(store).isdisjoint(drafts)


def test_verify_says_how_much_there_is_and_calls_it_no_damage(store, capsys):
    lines = told(capsys, "verify", "--store", str(store.root))

    assert "all as written" in lines[0]
    assert "8 files and folders of unfinished jobs" in lines[1]
    assert "3.00 MB; `safebasin scratch`" in lines[1]


def test_without_a_store_or_strays_there_is_nothing_to_do(tmp_path, capsys):
    (tmp_path / "store").mkdir()
    (line,) = told(capsys, "scratch", "--clear", "--store", str(tmp_path / "store"))
    assert line.endswith("0 in .scratch, 0.00 MB")
    assert not list((tmp_path / "store").iterdir())
    with pytest.raises(SystemExit) as ended:
        main(["scratch", "--store", str(tmp_path / "none")])
    assert ended.value.code == 2
