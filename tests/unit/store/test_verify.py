"""``verify`` names the file that is to blame, and what helps."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from safebasin.cli import main
from safebasin.errors import RequestError
from safebasin.store.artifact import (
    MANIFEST,
    RUN,
    Artifact,
    hash_file,
    manifest_text,
    read_artifact,
)
from safebasin.store.examine import Fault, examine
from safebasin.store.redo import ask
from safebasin.store.store import Store
from safebasin.store.verify import Damage, verify

from ...draws import few
from .made import FILES, as_of_before, flip, put

DAMAGED = [MANIFEST, RUN, "one.bin", "deep/two.bin"]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def blamed(store: Store) -> list[str]:
    return [damage.file for damage in verify(store)]


@few(60, unchecked=[HealthCheck.function_scoped_fixture])
@given(
    bit=st.integers(0, 7), place=st.floats(0, 1, exclude_max=True), file=st.sampled_from(DAMAGED)
)
def test_a_flipped_bit_is_the_fault_of_its_own_file_alone(tmp_path_factory, bit, place, file):
    store = Store(tmp_path_factory.mktemp("store"))
    path = put(store, "read_corpus", {"source": put(store, "fetch_source")}).folder / file
    data = bytearray(path.read_bytes())
    data[int(place * len(data))] ^= 1 << bit
    path.write_bytes(bytes(data))
    assert blamed(store) == [file]


def change_text(*edits: tuple[str, str]) -> Callable[[Artifact], None]:
    """Return what edits the manifest's text, once each."""

    def change(artifact: Artifact) -> None:
        text = (artifact.folder / MANIFEST).read_text()
        for old, new in edits:
            assert old in text
            text = text.replace(old, new, 1)
        (artifact.folder / MANIFEST).write_text(text)

    return change


def write(file: str, data: bytes) -> Callable[[Artifact], None]:
    return lambda artifact: (artifact.folder / file).write_bytes(data) and None


def put_folder(file: str) -> Callable[[Artifact], None]:
    def change(artifact: Artifact) -> None:
        (artifact.folder / file).unlink()
        (artifact.folder / file).mkdir()

    return change


def remove(file: str) -> Callable[[Artifact], None]:
    return lambda artifact: (artifact.folder / file).unlink()


def link(file: str, to: str) -> Callable[[Artifact], None]:
    def change(artifact: Artifact) -> None:
        (artifact.folder / file).unlink(missing_ok=True)
        (artifact.folder / file).symlink_to(to)

    return change


def pipe(artifact: Artifact) -> None:
    (artifact.folder / "one.bin").unlink()
    os.mkfifo(artifact.folder / "one.bin")


BLAME: dict[str, tuple[Callable[[Artifact], None], list[str], str]] = {
    "no manifest": (remove(MANIFEST), [MANIFEST], "there is no manifest"),
    "an empty manifest": (write(MANIFEST, b""), [MANIFEST], "not an artifact's manifest"),
    "no JSON": (write(MANIFEST, b"{"), [MANIFEST], "not an artifact's manifest"),
    "no UTF-8": (write(MANIFEST, b"\xff\xfe\x00"), [MANIFEST], "not an artifact's manifest"),
    "too deep": (write(MANIFEST, b"[" * 9999), [MANIFEST], "not an artifact's manifest"),
    "a list": (write(MANIFEST, b"[]"), [MANIFEST], "not an artifact's manifest"),
    "a folder": (put_folder(MANIFEST), [MANIFEST], "cannot be read (Is a directory)"),
    "files without records": (
        change_text(('"sha256"', '"sha265"')),
        [MANIFEST],
        "not an artifact's manifest",
    ),
    "another format": (change_text(('"format": 2', '"format": 7')), [MANIFEST], "format 7"),
    "no files": (
        change_text(('"files": {', '"files": {}, "other": {')),
        [MANIFEST],
        "not what was written",
    ),
    "a space more": (change_text(("\n ", "\n  ")), [MANIFEST], "not what was written"),
    "without its check": (change_text(('"check"', '"kcehc"')), [MANIFEST], "not what was written"),
    "a missing file": (remove("one.bin"), ["one.bin"], "missing"),
    "a missing file below": (remove("deep/two.bin"), ["deep/two.bin"], "missing"),
    "an extra file": (write("new.bin", b"x"), ["new.bin"], "does not know"),
    "an extra link to a folder": (link("new", "deep"), ["new"], "does not know"),
    "a link to nothing": (link("one.bin", "nowhere"), ["one.bin"], "a link to nothing"),
    "a folder in place of a file": (put_folder("one.bin"), ["one.bin"], "a folder stands"),
    "a pipe in place of a file": (pipe, ["one.bin"], "no file but a pipe"),
    "run.json without JSON": (write(RUN, b"{"), [RUN], "not what was written"),
    "run.json without UTF-8": (write(RUN, b"\xff"), [RUN], "not what was written"),
    "run.json of somebody": (write(RUN, b"{}"), [RUN], "not what was written"),
}


@pytest.mark.parametrize(("change", "files", "problem"), BLAME.values(), ids=BLAME)
def test_the_file_that_is_wrong_is_blamed_and_the_cure_named(change, files, problem, store, capsys):
    artifact = put(store, "read_corpus")
    put(store, "fetch_source")
    change(artifact)
    damages = list(verify(store))
    assert [damage.file for damage in damages] == files
    assert problem in damages[0].problem
    helps = "remove " if files == [RUN] else f"`safebasin redo {artifact.spec.digest}`"
    assert helps in damages[0].cure
    assert "\n" not in str(damages[0])


def test_a_file_whose_name_is_no_text_can_be_told(store, capsys):
    (put(store, "read_corpus").folder / os.fsdecode(b"\xff.bin")).touch()
    with pytest.raises(SystemExit) as ended:
        main(["verify", "--store", str(store.root)])
    assert ended.value.code == 3
    assert r"\xff.bin: the manifest does not know" in capsys.readouterr().out


@pytest.mark.parametrize("file", [MANIFEST, RUN])
def test_a_pipe_in_the_place_of_the_stores_own_file_is_not_read_for_ever(file, store):
    folder = put(store, "fetch_source").folder
    (folder / file).unlink()
    os.mkfifo(folder / file)
    assert blamed(store) == [file]


@pytest.mark.parametrize(
    "name", ["../beside.bin", "/etc/hostname", "deep/../../beside.bin", "\0", "\ud800", ""]
)
def test_a_name_that_no_file_of_it_can_have_is_the_manifests_fault(name, store):
    made = put(store, "fetch_source")
    (made.folder.parent / "beside.bin").write_bytes(FILES["one.bin"])
    files = {**made.files, name: made.files["one.bin"]}
    text = json.dumps(json.loads(manifest_text(made.spec, files, form=1)))
    (made.folder / MANIFEST).write_text(text)
    (told,) = check(made.folder)
    assert told.file == MANIFEST
    assert "is no name of a file beside it" in told.problem


def check(folder: Path) -> list[Fault]:
    return list(examine(read_artifact(folder), hash_file))


@pytest.mark.parametrize("name", [b"\xff\xfe", b"new\nline", b"-n", b"\x1b[31m", "é".encode()])
def test_what_has_an_odd_name_is_told_in_one_line_that_any_terminal_takes(name, store, capsys):
    put(store, "fetch_source")
    Path(os.fsdecode(os.fsencode(store.root / "source") + b"/" + name)).mkdir()
    with pytest.raises(SystemExit) as ended:
        main(["verify", "--store", str(store.root)])
    lines = capsys.readouterr().out.splitlines()
    assert ended.value.code == 3
    assert len(lines) == 2
    lines[0].encode()
    assert lines[0].isprintable()


def test_a_lost_run_json_is_no_damage(store):
    (put(store, "read_corpus").folder / RUN).unlink()
    assert blamed(store) == []


@pytest.mark.parametrize("place", range(0, 64, 7))
def test_a_digit_of_a_record_is_the_manifests_fault_in_older_artifacts_too(place, store):
    artifact = put(store, "read_corpus")
    path = as_of_before(artifact) / MANIFEST
    text = path.read_text()
    sha256 = artifact.files["one.bin"].sha256
    digit = "0" if sha256[place] != "0" else "1"
    path.write_text(text.replace(sha256, sha256[:place] + digit + sha256[place + 1 :]))
    assert blamed(store) == [MANIFEST]


@pytest.mark.parametrize("size", ["1", "22222"])
def test_so_is_a_size(size, store):
    artifact = put(store, "read_corpus")
    path = as_of_before(artifact) / MANIFEST
    right = artifact.files["one.bin"].size
    path.write_text(path.read_text().replace(f'"size": {right}', f'"size": {size}'))
    assert blamed(store) == [MANIFEST]


def test_older_artifacts_are_as_written_and_their_files_are_hashed(store):
    artifact = put(store, "read_corpus")
    as_of_before(artifact)
    assert blamed(store) == []
    flip(artifact.folder / "one.bin")
    assert blamed(store) == ["one.bin"]


def test_what_is_no_artifact_is_not_to_be_made_again(store):
    put(store, "read_corpus")
    (store.root / "corpus" / "notes.txt").touch()
    (store.root / "corpus" / "folder").mkdir()
    assert [damage.cure for damage in verify(store)] == [
        f"remove {store.root / 'corpus' / name}" for name in ("folder", "notes.txt")
    ]


def test_an_artifact_of_another_kind_is_told_so(store):
    artifact = put(store, "read_corpus")
    (store.root / "split").mkdir()
    artifact.folder.rename(store.root / "split" / artifact.spec.digest)
    assert [damage.problem for damage in verify(store)] == ["its spec is of kind corpus"]


def test_what_was_asked_for_already_is_told_so(store):
    artifact = put(store, "read_corpus")
    flip(artifact.folder / "one.bin")
    ask(store, "corpus", artifact.spec.digest)
    assert ["was asked for" in damage.cure for damage in verify(store)] == [True]


def downstream(store: Store) -> list[Damage]:
    return list(verify(store, downstream=True))


def test_what_was_made_from_other_bytes_is_named_with_its_input(store):
    source = put(store, "fetch_source")
    corpus = put(store, "read_corpus", {"source": source})
    split = put(store, "split_corpus", {"corpus.a": corpus})
    assert downstream(store) == []
    as_of_before(source)
    (damage,) = downstream(store)
    assert (damage.kind, damage.digest) == ("corpus", corpus.spec.digest)
    for told in (source.spec.digest, "source", corpus.inputs["source"], "other bytes"):
        assert told in damage.problem
    assert f"`safebasin redo {corpus.spec.digest}`" in damage.cure
    assert blamed(store) == []
    assert split.inputs == {"corpus.a": corpus.manifest}


def test_what_cannot_be_compared_is_not_named(store):
    source = put(store, "fetch_source")
    corpus = put(store, "read_corpus", {"source": source})
    as_of_before(corpus)
    as_of_before(source)
    assert downstream(store) == []  # of before inputs were recorded
    gone = put(store, "read_corpus", {"source": put(store, "fetch_source", again=1)})
    (store.home("source", gone.spec.inputs["source"]) / MANIFEST).unlink()
    assert {damage.kind for damage in downstream(store)} == {"source"}


@pytest.mark.parametrize("make", [lambda path: None, Path.mkdir, Path.touch])
def test_where_there_is_no_store_the_path_is_named(make, tmp_path, capsys):
    place = tmp_path / "nowhere"
    make(place)
    with pytest.raises(SystemExit) as ended:
        main(["verify", "--store", str(place)])
    told = capsys.readouterr()
    assert ended.value.code == 2
    assert str(place) in told.err
    assert told.out == ""


def test_a_store_in_which_nothing_is_made_yet_is_one(store):
    with store.lock("0" * 16):
        assert list(verify(store)) == []
    with pytest.raises(RequestError, match="is no store"):
        list(verify(Store(store.root / ".locks")))


def test_the_command_says_how_many_artifacts_it_looked_at(store, capsys):
    artifact = put(store, "read_corpus")
    put(store, "fetch_source")
    with pytest.raises(SystemExit) as ended:
        main(["verify", "--store", str(store.root)])
    assert ended.value.code == 0
    assert "all as written, in all of 2 artifacts" in capsys.readouterr().out
    flip(artifact.folder / "one.bin")
    with pytest.raises(SystemExit) as ended:
        main(["verify", "--store", str(store.root), "--json"])
    assert ended.value.code == 3
    (damage,) = json.loads(capsys.readouterr().out)
    assert set(damage) == {"kind", "digest", "file", "problem", "cure"}
