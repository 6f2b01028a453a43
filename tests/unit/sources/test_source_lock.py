from __future__ import annotations

from pathlib import Path

import pytest
from safebasin.errors import StudyError
from safebasin.sources.lock import ArchiveRecord, FileRecord, LockEntry, SourceLock

HASH = "ab" * 32
ENTRY = LockEntry(
    archive=ArchiveRecord(name="x-1.whl", sha256=HASH, size=3),
    files={"z/b.csv": FileRecord(sha256=HASH, size=2), "a.csv": FileRecord(sha256=HASH, size=1)},
)
GOOD = f"""
folder:data:
  files:
    a.csv: {{sha256: {HASH}, size: 3}}
"""


def _lock(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "sources.lock.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_saved_lock_reads_back_and_saves_to_the_same_bytes(tmp_path: Path) -> None:
    lock = SourceLock({}).with_entry("pypi:x==1", ENTRY).with_entry("folder:d", _folder())

    lock.save(tmp_path / "one")
    SourceLock.load(tmp_path / "one").save(tmp_path / "two")

    assert SourceLock.load(tmp_path / "one").entries == lock.entries
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_the_order_of_entries_does_not_show(tmp_path: Path) -> None:
    SourceLock({"pypi:x==1": ENTRY, "folder:d": _folder()}).save(tmp_path / "one")
    SourceLock({"folder:d": _folder(), "pypi:x==1": ENTRY}).save(tmp_path / "two")

    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_missing_lock_is_empty(tmp_path: Path) -> None:
    assert SourceLock.load(tmp_path / "none").entries == {}


def test_select_gives_the_spec_form_by_name() -> None:
    lock = SourceLock({"pypi:x==1": ENTRY})

    assert lock.select("pypi:x==1", ["**/*.csv"]) == [
        {"name": "a.csv", "sha256": HASH, "size": 1},
        {"name": "z/b.csv", "sha256": HASH, "size": 2},
    ]


def test_select_names_the_key_and_the_pattern_that_fail() -> None:
    lock = SourceLock({"pypi:x==1": ENTRY})

    with pytest.raises(StudyError, match=r"'pypi:y==1'.*pypi:x==1"):
        lock.select("pypi:y==1", ["**"])
    with pytest.raises(StudyError, match=r"'\*\*/\*.bin' names none"):
        lock.select("pypi:x==1", ["**/*.csv", "**/*.bin"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD.replace("size:", "sise:"), "sise"),
        (GOOD.replace(HASH, "ABC"), "ABC"),
        (GOOD.replace("size: 3", "size: '3'"), "'3'"),
        (GOOD.replace("size: 3", "size: -3"), "-3"),
        (GOOD.replace("a.csv", "../a.csv"), r"\.\./a.csv"),
        (GOOD.replace("folder:data", "zenodo:data"), "zenodo:data"),
        (GOOD.replace("folder:data", "pypi:data"), "pypi:data"),
        (GOOD.replace("folder:data", "pypi:data==1"), "needs the 'archive'"),
        (GOOD + GOOD, "occurs twice"),
        ("- a\n", "top"),
        ("a: [\n", "not readable"),
        (GOOD.replace("size: 3", "size: 010"), r"files\.a\.csv\.size, line \d+: 010 is octal"),
        (GOOD.replace("size: 3", "size: 1:30"), "'1:30'"),
        (GOOD.replace("size: 3", "size: 2020-13-45"), "'2020-13-45'"),
        (GOOD.replace("size: 3", "size: 9223372036854775808"), "less than 9223372036854775808"),
        (GOOD.replace("size: 3", "size: " + "9" * 5000), "has 5000 digits"),
        ("a: " + "[" * 500, "nested too deeply: a lock has at most 8 levels"),
        ("a: &a [x, x]\n" + "".join(f"b{n}: [*a]\n" for n in range(9)), "should be a valid dict"),
        ("? [a]\n: b\n", "a key is a word"),
        ("a: !!python/object:os.system b\n", r"a tag \(!!python"),
    ],
)
def test_a_wrong_lock_is_refused_with_the_value_and_a_cure(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(StudyError, match=said) as caught:
        SourceLock.load(_lock(tmp_path, text))

    assert "lock this source again" in str(caught.value)


def test_all_problems_of_a_lock_are_told_at_once(tmp_path: Path) -> None:
    text = GOOD.replace("size: 3", "size: -3").replace(HASH, "ABC")

    with pytest.raises(StudyError, match=r"(?s)sha256.*size"):
        SourceLock.load(_lock(tmp_path, text))


def _folder() -> LockEntry:
    return LockEntry(files={"a.csv": FileRecord(sha256=HASH, size=3)})


def test_a_lock_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sources.lock.yaml"
    for raw in (b"a: \xff", "a: b".encode("utf-16"), b"a: \0"):
        path.write_bytes(raw)
        with pytest.raises(StudyError, match="not UTF-8"):
            SourceLock.load(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(StudyError, match="it is a folder"):
        SourceLock.load(path)
