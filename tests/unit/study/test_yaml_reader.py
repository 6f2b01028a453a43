"""A study's file is read as its writer means it, or refused in one line."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any

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
    "a: [1e-4, 1_000, -3, 0.5, .5, +1, 0, 0x1f, 1e3]": [1e-4, 1000, -3, 0.5, 0.5, 1, 0, 31, 1e3],
    'a: ["no", "Yes", true, FALSE]': ["no", "Yes", True, False],
    "a: no": False,
    "a: [no, yes]": [False, True],  # the type that is needed tells them from words
    "a: {2020-01-01: 2020-13-45}": {"2020-01-01": "2020-13-45"},
    "where: {a: [true, b]}\na: 1": 1,
    "a: [y, n, None, NO WAY]": ["y", "n", "None", "NO WAY"],
    "a: [1:30, 2024-07-26, 190:20:30, =, nan, inf, 1.2.3]": [
        *("1:30", "2024-07-26", "190:20:30", "=", "nan", "inf", "1.2.3")
    ],
    'a: ["010", "1_000", ".nan", !!str 10]': ["010", "1_000", ".nan", "10"],
    r'a: "\ud83d\ude00"': "\U0001f600",  # as JSON writes it
    "a: [1\u0663, \u0663, 1.\u0663]": ["1\u0663", "\u0663", "1.\u0663"],  # no digits to YAML
    "a: {0: x, 1: y}": {"0": "x", "1": "y"},
    "b: &b [1, [2]]\na: [*b, *b]": [[1, [2]], [1, [2]]],
    "b: [&b {x: 1}, &c {x: 2, y: 2}]\na: {<<: [*b, *c]}": {"x": 1, "y": 2},
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
    "octal to some": ("a: {b: [1, 010]}", r"a\.b\.1, line 1: 010 is octal .*write 10 .*\"010\""),
    "no octal": ("a: {b: 08}", r"a\.b, line 1: 08 is octal to some.*write 8"),
    "an octal of Python": ("a: 0o10", "a, line 1: 0o10 is a number to some.*write 8"),
    "a binary number": ("a: -0b11", "a, line 1: -0b11 is a number to some.*write -3"),
    "a number of 6,000 digits": ("a: {b: " + "9" * 6000, r"a\.b, line 1: 9{20}… has 6000 digits"),
    "a hexadecimal one of 6,000": ("a: 0x" + "9" * 6000, "a, line 1: 0x9.*at most 19"),
    "a number too small": ("a: {b: -1e-400}", r"a\.b, line 1: -1e-400 is smaller than any number"),
    "a number with too few bits": ("a: 1.5e-323", "a, line 1: 1.5e-323 is smaller"),
    "infinity": (
        "chat_template_kwargs: {a: .inf}",
        r"chat_template_kwargs\.a, line 1: .inf is bey",
    ),
    "minus infinity": ("a: -.INF", "a, line 1: -.INF is beyond all numbers"),
    "no number": ("a: [.nan]", r"a\.0, line 1: .nan is beyond all numbers"),
    "a bare on where any type may stand": (
        "a: {params: {b: {c: on}}}",
        r"a\.params\.b\.c, line 1: to",
    ),
    "one that an alias brings": (
        "a: &a [no]\nparams: {b: *a}",
        r"params\.b, line 1: to YAML a bare",
    ),
    "one that a merge brings": (
        "a: &a {b: no}\nwhere: {<<: *a}",
        "where, line 1: to YAML a bare no",
    ),
    "a number with a line where any may stand": (
        "params: {a: 1_0}",
        r"params\.a, line 1: 1_0 is .*10",
    ),
    "a key as a number and as text": ('a: {0: b, "0": c}', r"a, line 1: the key '0' stands twice"),
    "two merges": ("a: &a {b: 1}\nc: {<<: *a, <<: *a}", "c, line 2: the key '<<' stands twice"),
    "a merge of no mapping": ("a: {<<: 3}", "a, line 1: << takes in a mapping"),
    "a tag": ("a: {b: !!set {c}}", r"a\.b, line 1: a tag \(!!set\)"),
    "a number by its tag": ("a: !!int 08", r"a, line 1: a tag \(!!int\)"),
    "bytes": ("a: !!binary aGk=", r"a, line 1: a tag \(!!binary\)"),
    "a tag of one's own": ("a: !mine b", r"a, line 1: a tag \(!mine\)"),
    "a tag of nothing": ("a: ! 3", r"a, line 1: a tag \(!\)"),
    "a text that is a list": ("a: !!str [b]", r"a, line 1: a tag \(!!str\)"),
    "an impossible date by its tag": ("a: !!timestamp 2020-13-45", r"a, line 1: a tag"),
    "half a character": (r'a: {b: "x\ud800"}', r"a\.b, line 1: 'x\\ud800' holds a char"),
    "the other half": (r'a: "\ude00\ud83d"', "a, line 1: .* holds a character that is none"),
    "NUL": (r'a: "b\0"', "a, line 1: .* holds a character that is none"),
    "NUL in a key": (r'a: {"b\0": c}', "a.*holds a character that is none"),
    "a line end that is none": ("a: b\u2028c", r"line 1: the character U\+2028 .*\\u2028"),
    "a line end of mainframes": ("# x\na: b\x85", r"line 2: the character U\+0085"),
    "an alias of itself": ("a: &a [*a]", r"a\.0, line 1: \*a stands within"),
    "an alias of itself in a mapping": (
        "a: &a {b: {c: *a}}",
        r"a\.b\.c, line 1: \*a stands within",
    ),
    "no anchor": ("a: *b", "is not YAML"),
    "60 levels": (
        "a: {b: " + "[" * 60 + "]" * 60 + "}",
        r"a\.b\.0.*line 1: nested too deeply.* 50 lev",
    ),
    "60 levels by aliases": (
        "a: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 60)),
        r"a49\.0, line 50: nested too deeply",
    ),
    "an anchor bomb": (
        "a: {a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
        + "".join(f", a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10))
        + "}",
        r"a\.a\d\.\d, line \d: too much: a study has at most 30000 values",
    ),
    "an anchor bomb of mappings": (
        "a0: &a0 {x: y}\n"
        + "".join(
            f"a{n}: &a{n} {{{', '.join(f'k{m}: *a{n - 1}' for m in range(9))}}}\n"
            for n in range(1, 40)
        ),
        "too much: a study has at most 30000 values",
    ),
    "an anchor bomb of merges": (
        "a0: &a0 {x: y}\n"
        + "".join(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}\n" for n in range(1, 40)),
        "too much: a study has at most 30000 values",
    ),
    "too many values": ("a: [" + "0," * 30_001 + "]", r"a\.\d+, line 1: too much: a study has at"),
    "too many bytes": ("a: " + "x" * 2**20, "it has 1048579 bytes; a study has at most 1048576"),
    "several documents": ("a: b\n---\na: c", "is not YAML.*single document"),
    "comments alone": ("# a: b", "it is empty; a study is a mapping"),
    "tabs": ("a:\n\tb: c", "is not YAML.*line 2"),
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
    with pytest.raises(StudyError, match=rf"(?s)s\.yaml.*{said}") as caught:
        _read(tmp_path, text)
    assert len(str(caught.value)) < 600


def test_what_is_no_file_is_refused_and_nothing_waits_for_it(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for name, said in {
        "pipe": "no regular file",
        ".": "a folder",
        "none": "cannot be read",
        "loop": "cannot be read",
        "x" * 300: "cannot be read",
    }.items():
        with pytest.raises(StudyError, match=said):
            load_study([tmp_path / name])


def test_json_is_read_as_yaml(smoke: dict[str, Any], tmp_path: Path):
    study = {**smoke, "title": "\U0001f600"}
    assert _read(tmp_path, json.dumps(study, indent=1)) == study


@given(
    st.binary(max_size=40) | st.text("ab:[]{}-?!&*<|>'\"#%@\n ~,01.", max_size=30).map(str.encode)
)
def test_no_file_ends_in_a_traceback(tmp_path_factory, raw: bytes):
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(raw)
    with contextlib.suppress(SafebasinError):
        read_yaml(path)
