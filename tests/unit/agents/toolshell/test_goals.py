"""Goals on states made by hand."""

from __future__ import annotations

import io
import struct
import zipfile

import pytest
from safebasin.agents.toolshell.draft import has_text, is_mailed
from safebasin.agents.toolshell.goals import all_hold, holds

from .oracle import state


def packed(files: dict[str, str]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return data.getvalue()


def test_text_is_compared_but_for_blanks_at_its_end() -> None:
    assert holds(has_text("a", "x\ny\n"), state({"a": "x\ny"}))
    assert holds(has_text("a", "x"), state({"a": "x \n\n"}))
    assert not holds(has_text("a", "x"), state({"a": " x"}))
    assert not holds(has_text("a", ""), state({}))


def test_gone_means_neither_file_nor_folder() -> None:
    assert holds({"that": "gone", "path": "a"}, state({"b": ""}))
    assert not holds({"that": "gone", "path": "a"}, state({"a/b": ""}))


def test_mode_asks_for_bits_of_a_file() -> None:
    wanted = {"that": "mode", "path": "a", "bits": 0o004}

    assert holds(wanted, state({"a": ""}, modes={"a": 0o644}))
    assert not holds(wanted, state({"a": ""}, modes={"a": 0o600}))
    assert not holds(wanted, state({"a/b": ""}))


def test_one_mail_must_hold_all_parts() -> None:
    wanted = is_mailed("a@x.example", "one", "two")

    assert holds(wanted, state({}, (("A <a@x.example>", "two one"),)))
    assert not holds(wanted, state({}, (("a@x.example", "one"), ("a@x.example", "two"))))
    assert not holds(wanted, state({}, (("b@x.example", "one two"),)))


def test_an_archive_holds_files_in_any_folder() -> None:
    wanted = {"that": "zipped", "path": "a.zip", "files": {"x.txt": "text\n"}}

    assert holds(wanted, state({"a.zip": packed({"in/x.txt": "text"})}))
    assert not holds(wanted, state({"a.zip": packed({"x.txt": "other"})}))
    assert not holds(wanted, state({"a.zip": packed({"y.txt": "text"})}))


def test_forged_archives_hold_nothing() -> None:
    wanted = {"that": "zipped", "path": "a.zip", "files": {"x.txt": "text"}}
    good = packed({"x.txt": "text"})
    bomb = packed({"x.txt": "0" * 50_000_000})
    forged = good.replace(struct.pack("<I", 4), struct.pack("<I", 2**31), 1)

    for data in (b"", b"PK", good[:-3], good[9:], bomb, b"\x00" * 99):
        assert not holds(wanted, state({"a.zip": data}))
    assert holds(wanted, state({"a.zip": forged})) in {True, False}


def test_all_conditions_must_hold_and_unknown_ones_are_an_error() -> None:
    assert all_hold([], state({}))
    assert not all_hold([has_text("a", "x"), has_text("b", "x")], state({"a": "x"}))
    with pytest.raises(ValueError, match="no condition"):
        holds({"that": "other"}, state({}))
