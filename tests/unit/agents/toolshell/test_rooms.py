"""What a killed process leaves of its episodes, and who removes it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from safebasin.agents.toolshell.rooms import remove_room

HOLD = (
    "from safebasin.agents.toolshell.rooms import make_room\n"
    "room = make_room()\n(room / 'home').mkdir(mode=0)\nprint(room, flush=True)\ninput()\n"
)
MAKE = "from safebasin.agents.toolshell.rooms import make_room\nprint(make_room())\n"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Start a Python whose temporary folder is this test's own."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    started: list[subprocess.Popen[str]] = []

    def start(code: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def room_of(process: subprocess.Popen[str]) -> Path:
    assert process.stdout is not None
    return Path(process.stdout.readline().strip())


def test_folders_of_a_killed_process_go_with_the_next_and_those_of_a_living_one_stay(run):
    killed, living = run(HOLD), run(HOLD)
    left, held = room_of(killed), room_of(living)
    killed.kill()
    killed.wait()

    assert left.is_dir()
    assert held.is_dir()

    made = room_of(run(MAKE))

    assert not left.parent.exists()
    assert held.is_dir()
    assert made != held


def test_a_process_that_ends_removes_its_folder(run, tmp_path: Path):
    process = run(MAKE)
    process.communicate()

    assert list(tmp_path.iterdir()) == []


def test_links_and_files_of_the_same_name_are_left_alone(run, tmp_path: Path):
    kept = tmp_path / "kept"
    kept.mkdir()
    (tmp_path / "safebasin-toolshell-link").symlink_to(kept)
    (tmp_path / "safebasin-toolshell-file").touch()

    run(MAKE).communicate()

    assert kept.is_dir()
    assert len(list(tmp_path.iterdir())) == 3


def test_a_fork_has_a_folder_of_its_own(run, tmp_path: Path):
    code = (
        "import os\nfrom safebasin.agents.toolshell.rooms import make_room\nours = make_room()\n"
        "if not os.fork():\n    theirs = make_room()\n    print(theirs.parent, flush=True)\n"
        "    raise SystemExit\nos.wait()\nprint(ours.parent, ours.is_dir())\n"
    )
    told, _ = run(code).communicate()
    theirs, ours, stays = told.split()

    assert theirs != ours
    assert stays == "True"


def test_a_folder_nested_very_deep_is_removed(tmp_path: Path) -> None:
    deep = tmp_path / "deep"
    deep.mkdir()
    code = "import os\nfor _ in range(1500): os.mkdir('d'); os.chdir('d')"
    subprocess.run(["python3", "-c", code], cwd=deep, check=True)

    remove_room(deep)

    assert not deep.exists()
