"""The state is read without following links and never hangs; no sandbox is needed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from safebasin.agents.toolshell.state import BYTES, ENTRIES, TooLarge, read_state, weigh


@pytest.fixture
def rooms(tmp_path: Path) -> tuple[Path, Path]:
    home, mail = tmp_path / "home", tmp_path / "mail"
    home.mkdir()
    mail.mkdir()
    return home, mail


def test_files_folders_and_modes_are_read(rooms: tuple[Path, Path]) -> None:
    (rooms[0] / "a").mkdir()
    (rooms[0] / "a" / "b.txt").write_text("text\n\n")
    (rooms[0] / "a" / "b.txt").chmod(0o640)

    state = read_state(*rooms)

    assert set(state.entries) == {"a", "a/b.txt"}
    assert state.entries["a"].folder
    assert state.entries["a/b.txt"].mode == 0o640
    assert state.text("a/b.txt") == "text"
    assert state.text("a") is state.text("c") is None


def test_links_out_of_the_folder_are_not_followed(rooms: tuple[Path, Path], tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_text("secret")
    (rooms[0] / "file").symlink_to(outside / "secret.txt")
    (rooms[0] / "folder").symlink_to(outside)
    (rooms[0] / "loop").symlink_to(rooms[0])
    (rooms[1] / "outbox.jsonl").symlink_to(outside / "secret.txt")

    state = read_state(*rooms)

    assert set(state.entries) == {"file", "folder", "loop"}
    assert all(entry.content is None and not entry.folder for entry in state.entries.values())
    assert state.mails == ()


def test_a_pipe_does_not_hang_the_reader(rooms: tuple[Path, Path]) -> None:
    os.mkfifo(rooms[0] / "pipe")
    os.mkfifo(rooms[1] / "outbox.jsonl")

    state = read_state(*rooms)

    assert state.entries["pipe"].content is None
    assert state.mails == ()


def test_what_its_owner_may_not_read_is_not_read_by_root_either(
    rooms: tuple[Path, Path],
) -> None:
    (rooms[0] / "locked").write_text("text")
    (rooms[0] / "locked").chmod(0o200)

    assert read_state(*rooms).text("locked") is None


def test_a_folder_that_holds_too_much_is_refused(rooms: tuple[Path, Path]) -> None:
    for index in range(ENTRIES):
        (rooms[0] / str(index)).touch()
    weigh(rooms[0])
    (rooms[0] / "one more").touch()

    with pytest.raises(TooLarge):
        weigh(rooms[0])
    with pytest.raises(TooLarge):
        read_state(*rooms)


def test_too_many_bytes_and_levels_are_refused(rooms: tuple[Path, Path]) -> None:
    (rooms[1] / "big").write_bytes(b"x" * (BYTES + 1))
    (rooms[0] / "/".join("a" * 14)).mkdir(parents=True)

    for room in rooms:
        with pytest.raises(TooLarge):
            weigh(room)


def test_lines_that_are_no_mails_are_passed_over(rooms: tuple[Path, Path]) -> None:
    good = '{"to": "a@b", "subject": "s", "body": "t", "attached": ""}'
    lines = ["[]", "nonsense", '{"to": 1}', "[" * 5000, "1" * 9000, "null", good]
    (rooms[1] / "outbox.jsonl").write_bytes("\n".join(lines).encode() + b"\n\xff\n")

    mails = read_state(*rooms).mails

    assert [(mail.to, mail.body) for mail in mails] == [("a@b", "t")]


def test_a_locked_folder_is_refused_whoever_looks(rooms: tuple[Path, Path]) -> None:
    (rooms[0] / "locked").mkdir()
    weigh(rooms[0])
    (rooms[0] / "locked").chmod(0o300)

    with pytest.raises(TooLarge, match="locked"):
        weigh(rooms[0])
