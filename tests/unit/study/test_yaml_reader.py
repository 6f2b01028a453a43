"""A study's file is read as its writer means it, or refused in one line."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from safebasin.errors import SafebasinError, StudyError
from safebasin.study.load import load_study
from safebasin.study.yaml_reader import read_yaml

from .conftest import ROOT


def _read(folder: Path, text: str | bytes) -> object:
    path = folder / "s.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_yaml(path)


def test_a_study_saved_by_an_editor_of_windows_is_read(tmp_path: Path):
    base = (ROOT / "studies" / "smoke.yaml").as_posix()
    text = f"\ufeffextends: {base}\r\nstudy: mine\r\ntitle: |\r\n  gr\u00f6\u00dfer\r\n"
    (tmp_path / "s.yaml").write_bytes(text.encode())
    study = load_study([tmp_path / "s.yaml"])
    assert (study.study, study.title) == ("mine", "gr\u00f6\u00dfer\n")


READ = {
    "a: [1e-4, 010, 1_000, -3, 0.5]": [1e-4, 10, 1000, -3, 0.5],
    'a: ["no", "Yes", true, FALSE]': ["no", "Yes", True, False],
    "a: no": False,
    "a: [no, yes]": [False, True],  # the type that is needed tells them from words
    "a: {2020-01-01: 2020-13-45}": {"2020-01-01": "2020-13-45"},
    "where: {a: [true, b]}\na: 1": 1,
    "a: [y, n, None, NO WAY]": ["y", "n", "None", "NO WAY"],
    "b: &b {x: 1}\na: {<<: *b, y: 2}": {"x": 1, "y": 2},
}


@pytest.mark.parametrize("text", READ)
def test_what_is_written_is_read(tmp_path: Path, text: str):
    assert _read(tmp_path, text)["a"] == READ[text]


REFUSED = {
    "a bare no in a filter": (
        "a:\n  exclude:\n    lang:\n      - b\n      - no",
        'line 5: to YAML a bare no is .* quotes, "no"',
    ),
    "a bare Yes in a filter": ("where: {a: [Yes]}", 'line 1: to YAML a bare Yes .*"Yes"'),
    "a bare on as a filter": ("where: {a: on}", 'line 1: to YAML a bare on .*"on"'),
    "a bare ON as a key": ("a: {ON: b}", 'reads the key ON as True.*"ON"'),
    "a bare off as a key": ("off: b", 'reads the key off as False.*"off"'),
    "true as a key": ("a: {true: b}", 'reads the key true as True.*"true"'),
    "010 as a key": ("a: {010: b}", 'reads the key 010 as 10.*"010"'),
    "no key": ("a: {~: b}", "line 1: YAML reads the key ~ as None"),
    "two braces without quotes": ("a: {{prompt}}", "line 1: a key is a word.*stands in quotes"),
    "a list as a key": ("a:\n  ? [b]\n  : c", "line 2: a key is a word"),
    "a key twice": ("a: 1\na: 2", "line 2: the key 'a' stands twice"),
    "a number too large": ("a: 1\nb: [1e400]", "line 2: 1e400 is beyond all numbers"),
    "an open bracket": ("a: [", "is not YAML"),
    "a tag of Python": ("a: !!python/name:os.system", "is not YAML"),
    "control characters": ("a: \x07", "is not YAML"),
    "deep nesting": ("a: " + "[" * 5000, "nested too deeply"),
    "a list": ("- a", "a study is a mapping"),
    "nothing": ("", "a study is a mapping"),
    "Latin-1": ("a: gr\u00f6\u00dfe".encode("latin-1"), "not UTF-8 .*save it as UTF-8"),
    "UTF-16": ("a: b".encode("utf-16"), "not UTF-8"),
    "UTF-16 without a mark": ("a: b".encode("utf-16-le"), "not UTF-8 .*UTF-16"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_study_is_refused_in_one_message(tmp_path: Path, case: str):
    text, said = REFUSED[case]
    with pytest.raises(StudyError, match=rf"s\.yaml.*{said}"):
        _read(tmp_path, text)


@given(
    st.binary(max_size=40) | st.text("ab:[]{}-?!&*<|>'\"#%@\n ~,01.", max_size=30).map(str.encode)
)
def test_no_file_ends_in_a_traceback(tmp_path_factory, raw: bytes):
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(raw)
    with contextlib.suppress(SafebasinError):
        read_yaml(path)
