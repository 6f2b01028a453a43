"""A local folder that is no longer as it was locked is told before anything is made of it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from safebasin.cli import main
from safebasin.errors import StudyError
from safebasin.sources.folder_files import files_below
from safebasin.sources.lock import SourceLock
from safebasin.sources.patterns import matching
from safebasin.store import hash_memory
from safebasin.workflow import open_workflow

from ...workflow import ROOT

STUDY = {
    "extends": str(ROOT / "studies/smoke.yaml"),
    "sources": {"rows": {"folder": "rows", "files": ["**/*.csv"], "optional": ["*.txt"]}},
}
ROWS = Path("rows")
COLUMNS = {"label": "label", "response": "label"}
A, B = ROWS / "a.csv", ROWS / "in" / "b.csv"


@pytest.fixture(autouse=True)
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a study of one folder, which is locked and long settled."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    B.parent.mkdir(parents=True)
    A.write_text("prompt\none\n")
    B.write_text("prompt\ntwo\n")
    (ROWS / "notes.md").write_text("asked for by nobody\n")
    Path("study.yaml").write_text(yaml.safe_dump(STUDY))
    assert run("lock") == 0
    monkeypatch.setattr(hash_memory, "SETTLED", -(2**62))  # as if all were long ago
    assert run("check") == 0
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def run(command: str, *more: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main([command, "--config", "study.yaml", *more])
    return int(ended.value.code or 0)


def edited_within_a_tick() -> None:
    """Change a file and put its size and mtime back; only its ctime tells."""
    told = A.stat()
    A.write_text("prompt\nONE\n")
    os.utime(A, ns=(told.st_atime_ns, told.st_mtime_ns))


def replaced(by: Callable[[], None]) -> Callable[[], None]:
    def edit() -> None:
        A.unlink()
        by()

    return edit


def linked_out() -> None:
    Path("elsewhere.csv").write_text("prompt\none\n")
    A.symlink_to(Path("elsewhere.csv").absolute())


EDITS: dict[str, tuple[Callable[[], object], str]] = {
    "other bytes of one size": (lambda: A.write_text("prompt\nONE\n"), "other bytes: a.csv"),
    "size and mtime put back": (edited_within_a_tick, "other bytes: a.csv"),
    "a longer file": (lambda: B.write_text("prompt\ntwo\nthree\n"), "other bytes: in/b.csv"),
    "a new file": (lambda: (ROWS / "c.csv").write_text("prompt\n"), "new: c.csv"),
    "a new optional one": (lambda: (ROWS / "c.txt").write_text("\n"), "new: c.txt"),
    "a file that is gone": (A.unlink, "gone: a.csv"),
    "a renamed file": (lambda: A.rename(ROWS / "z.csv"), "new: z.csv; gone: a.csv"),
    "a folder that is gone": (lambda: shutil.rmtree(B.parent), "gone: in/b.csv"),
    "another file in its place": (
        lambda: ((ROWS / "x").write_text("prompt\nONE\n"), (ROWS / "x").replace(A)),
        "other bytes: a.csv",
    ),
    "a link to other bytes": (replaced(lambda: A.symlink_to("in/b.csv")), "other bytes: a.csv"),
    "a link out of it": (replaced(linked_out), "a link out of the folder: a.csv"),
    "a link to nothing": (replaced(lambda: A.symlink_to("nothing")), "gone: a.csv"),
    "a folder in its place": (replaced(A.mkdir), "gone: a.csv"),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_is_told_with_its_cure_by_every_command_that_leads_to_a_run(edit, capsys):
    make, told = EDITS[edit]
    make()
    for command in ("check", "preflight"):
        assert run(command) == 1
        said = capsys.readouterr().err
        assert (
            f"sources.rows.folder: 'rows': changed since it was locked: `safebasin lock` ({told})"
            in said
        )


@pytest.mark.parametrize("edit", [each for each in EDITS if "a link out" not in each])
def test_locking_takes_what_is_there_now(edit, capsys):
    make, told = EDITS[edit]
    make()
    assert run("lock") == 0
    assert f"changed since it was locked ({told})" in capsys.readouterr().out
    assert run("check") == 0
    locked = SourceLock.load(Path("sources.lock.yaml")).entries["folder:rows"].files
    assert sorted(locked) == matching(files_below(ROWS), ["**/*.csv", "*.txt"])
    assert run("lock") == 0
    assert "locked already" in capsys.readouterr().out


@pytest.mark.parametrize(
    "touch",
    [
        lambda: (ROWS / "notes.md").write_text("asked for by nobody still\n"),
        lambda: os.utime(A),
        lambda: (shutil.copytree(ROWS, "clone"), shutil.rmtree(ROWS), Path("clone").rename(ROWS)),
        lambda: (
            replaced(lambda: (ROWS / "in/a").write_text("prompt\none\n"))() or A.symlink_to("in/a")
        ),
        lambda: shutil.rmtree("cache"),
        lambda: [path.write_text("torn") for path in Path("cache/safebasin/hashes").iterdir()],
    ],
    ids=["not asked for", "touched", "cloned", "linked within", "no cache", "torn"],
)
def test_what_changes_no_byte_is_no_edit(touch):
    touch()
    assert run("check") == 0
    assert run("preflight") == 0


def test_a_file_is_hashed_once_and_not_at_every_look(monkeypatch):
    hashed: list[Path] = []
    right = hash_memory.hash_file
    monkeypatch.setattr(hash_memory, "hash_file", lambda path: hashed.append(path) or right(path))
    assert run("check") == 0
    assert not hashed
    os.utime(A)
    monkeypatch.setattr(hash_memory, "SETTLED", -(2**62))
    for _ in range(3):
        assert run("check") == 0
    assert hashed == [A]


def test_a_file_as_new_as_its_hashing_is_hashed_again(monkeypatch):
    A.write_text("prompt\none\n")
    told = A.stat()
    assert run("check") == 0
    A.write_text("prompt\nONE\n")

    seen = f"{told.st_dev} {told.st_ino} {told.st_size} {told.st_mtime_ns} {told.st_ctime_ns}"
    monkeypatch.setattr(hash_memory, "identity", lambda path: seen)  # a clock that has not ticked
    assert run("check") == 1


def test_only_showing_and_ending_a_run_do_without(study):
    A.unlink()
    assert run("show") == 0
    with pytest.raises(StudyError, match="changed since"):
        open_workflow([Path("study.yaml")], compare_folders=True)


def test_a_folder_that_is_away_is_told_only_where_it_would_be_fetched(capsys):
    shutil.rmtree(ROWS)
    assert run("check") == 0  # no job of this study reads it
    more = {
        "corpora": {"words": {"source": "rows", "reader": {"type": "csv", "columns": COLUMNS}}},
    }
    more["corpora"]["words"]["reader"] |= {"generator": None, "rows": None}
    Path("study.yaml").write_text(yaml.safe_dump(STUDY | more))
    assert run("check") == 1
    assert "sources.rows.folder: 'rows': there is no such folder" in capsys.readouterr().err


def test_two_sources_of_one_folder_are_locked_beside_each_other():
    sources = {name: {"folder": "rows", "files": [f"**/{name}.csv"]} for name in "ab"}
    Path("study.yaml").write_text(yaml.safe_dump(STUDY | {"sources": sources}))
    assert run("lock") == 0
    assert run("check") == 0
    A.write_text("prompt\nONE\n")
    assert run("lock") == 0
    assert run("check") == 0
    assert set(SourceLock.load(Path("sources.lock.yaml")).entries["folder:rows"].files) == {
        "a.csv",
        "in/b.csv",
    }


def test_hashes_of_a_private_folder_are_in_a_lock_that_git_ignores(capsys):
    tracked, private = Path("sources.lock.yaml"), Path("sources.private.lock.yaml")
    for is_private in (True, False):
        told = {"private": is_private, "files": ["**/*.csv"], "folder": "rows"}
        Path("study.yaml").write_text(yaml.safe_dump(STUDY | {"sources": {"rows": told}}))
        assert run("lock") == 0
        assert run("check") == 0
        found = {path for path in (tracked, private) if SourceLock.load(path).entries}
        assert found == {private if is_private else tracked}
    assert f"/{private}" in (ROOT / ".gitignore").read_text().splitlines()
    told = {"private": True, "files": ["*"], "pypi": "x==1"}
    Path("study.yaml").write_text(yaml.safe_dump(STUDY | {"sources": {"rows": told}}))
    assert run("lock") == 1
    assert "private goes with a folder" in capsys.readouterr().err


def test_a_name_that_is_no_text_is_refused(capsys):
    (ROWS / os.fsdecode(b"\xff.csv")).touch()
    assert run("lock") == 3
    assert "no text (UTF-8)" in capsys.readouterr().err


@pytest.mark.parametrize(
    "pattern", ["*", "*.csv", "in/*.csv", "in/**", "**/*.csv", "i?/*", "[!x]n/*", "in/b.csv", "x/*"]
)
def test_no_folder_is_passed_over_that_a_pattern_leads_to(pattern):
    everything = [path.relative_to(ROWS).as_posix() for path in ROWS.rglob("*") if path.is_file()]
    assert matching(files_below(ROWS, [pattern]), [pattern]) == matching(everything, [pattern])
