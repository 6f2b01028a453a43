from __future__ import annotations

import os
from pathlib import Path

import pytest
from safebasin.errors import DamagedInput, MachineLacks, StudyError
from safebasin.progress import SILENT
from safebasin.resume.place import state_of
from safebasin.sources.fetch import WantedFile, fetch_files, lock_source, source_key
from safebasin.sources.lock import LockEntry, SourceLock, record_of
from safebasin.sources.settings import interpret
from safebasin.sources.transport import Transport

from ...wear import TEARS, Tear
from .loopback import Answer, LoopbackServer, sha256, tar_bytes, wheel_bytes

WHEEL = {"data_pack/a.csv": b"x,y\n1,2\n", "data_pack/b.bin": b"\0" * 1000}
SDIST = {
    "data_pack-1.0/deep/set.txt": bytes(range(256)) * 2000,
    "data_pack-1.0/setup.py": b"raise SystemExit('build code ran')",
}
WHEEL_ORIGIN = {"pypi": "data-pack==1.0", "archive": "wheel"}
SDIST_ORIGIN = {"pypi": "data-pack==1.0", "archive": "sdist"}


@pytest.fixture
def project(server: LoopbackServer, only_loopback: None) -> LoopbackServer:
    server.serve_project(
        "data-pack",
        {
            "data_pack-1.0-py3-none-any.whl": wheel_bytes("data_pack", "1.0", WHEEL),
            "data_pack-1.0.tar.gz": tar_bytes(SDIST),
            "data_pack-2.0.tar.gz": tar_bytes({"data_pack-2.0/other": b"1"}),
        },
    )
    return server


def _files(folder: Path) -> dict[str, bytes]:
    return {
        each.relative_to(folder).as_posix(): each.read_bytes()
        for each in folder.rglob("*")
        if each.is_file()
    }


def _wanted(entry: LockEntry) -> list[WantedFile]:
    key = "pypi:data-pack==1.0"
    return [WantedFile(**each) for each in SourceLock({key: entry}).select(key, ["**"])]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("origin", "pattern", "content"),
    [
        (WHEEL_ORIGIN, "**/a.csv", {"data_pack/a.csv": WHEEL["data_pack/a.csv"]}),
        (SDIST_ORIGIN, "**/*.txt", {"data_pack-1.0/deep/set.txt": next(iter(SDIST.values()))}),
    ],
)
def test_what_was_locked_is_fetched_and_nothing_else(
    project: LoopbackServer,
    tmp_path: Path,
    origin: dict[str, str],
    pattern: str,
    content: dict[str, bytes],
) -> None:
    entry = lock_source(origin, [pattern], tmp_path / "work")

    fetch_files(origin, _wanted(entry), tmp_path / "out")

    assert entry.archive is not None
    archive = project.answers[f"/files/{entry.archive.name}"].content
    assert (entry.archive.sha256, entry.archive.size) == (sha256(archive), len(archive))
    assert _files(tmp_path / "out") == content
    assert {name: record.sha256 for name, record in entry.files.items()} == {
        name: sha256(each) for name, each in content.items()
    }


def test_a_lock_of_another_hash_names_file_expected_and_got_and_leaves_nothing(
    project: LoopbackServer, tmp_path: Path
) -> None:
    good = WHEEL["data_pack/a.csv"]
    wanted = [
        WantedFile(name="data_pack/a.csv", sha256=sha256(good), size=len(good)),
        WantedFile(name="data_pack/b.bin", sha256="0" * 64, size=1000),
    ]

    with pytest.raises(DamagedInput) as caught:
        fetch_files(WHEEL_ORIGIN, wanted, tmp_path / "out")

    for word in ("data_pack/b.bin", "0" * 64, sha256(WHEEL["data_pack/b.bin"])):
        assert word in str(caught.value)
    assert _files(tmp_path / "out") == {}


def test_a_file_that_the_archive_lacks_is_named(project: LoopbackServer, tmp_path: Path) -> None:
    wanted = [WantedFile(name="data_pack/none", sha256="0" * 64, size=1)]

    with pytest.raises(DamagedInput, match="data_pack/none"):
        fetch_files(WHEEL_ORIGIN, wanted, tmp_path / "out")


def test_a_broken_download_goes_on_where_it_broke(project: LoopbackServer, tmp_path: Path) -> None:
    archive = project.answers["/files/data_pack-1.0.tar.gz"]
    archive.breaks = [len(archive.content) // 2]

    lock_source(SDIST_ORIGIN, ["**/*.txt"], tmp_path / "work")

    asked = [head for path, head in project.requests if path.startswith("/files")]
    assert [head.get("Range") for head in asked] == [None, f"bytes={len(archive.content) // 2}-"]


def test_a_download_that_keeps_breaking_is_resumed_by_the_next_call(
    server: LoopbackServer, tmp_path: Path
) -> None:
    content = os.urandom(50_000)
    server.answers["/file"] = Answer(content, breaks=[1000, 1000, 1000, 1000])
    transport = Transport(interpret({}), pause=0.0)
    target = tmp_path / "file"

    with pytest.raises(MachineLacks, match="4000 bytes are kept"):
        transport.download(f"{server.address}/file", target, sha256(content), SILENT)
    assert not target.exists()
    transport.download(f"{server.address}/file", target, sha256(content), SILENT)

    assert target.read_bytes() == content
    assert server.requests[-1][1]["Range"] == "bytes=4000-"
    assert not list(tmp_path.glob("*.part"))


def test_a_part_of_a_changed_file_is_thrown_away_and_fetched_anew(
    server: LoopbackServer, tmp_path: Path
) -> None:
    server.answers["/file"] = Answer(b"new content")
    (tmp_path / "file.part").write_bytes(b"old")
    transport = Transport(interpret({}), pause=0.0)

    transport.download(f"{server.address}/file", tmp_path / "file", sha256(b"new content"), SILENT)

    assert (tmp_path / "file").read_bytes() == b"new content"


def test_a_part_is_not_trusted_where_the_index_gives_no_hash(
    server: LoopbackServer, tmp_path: Path
) -> None:
    server.answers["/file"] = Answer(b"new content")
    (tmp_path / "file.part").write_bytes(b"old")

    Transport(interpret({})).download(f"{server.address}/file", tmp_path / "file", None, SILENT)

    assert (tmp_path / "file").read_bytes() == b"new content"


def test_a_server_without_ranges_is_read_from_the_start(
    server: LoopbackServer, tmp_path: Path
) -> None:
    content = os.urandom(5000)
    server.answers["/file"] = Answer(content, breaks=[100], ranges=False)

    Transport(interpret({}), pause=0.0).download(
        f"{server.address}/file", tmp_path / "file", sha256(content), SILENT
    )

    assert (tmp_path / "file").read_bytes() == content


def test_bytes_that_are_not_the_indexes_hash_are_refused(
    server: LoopbackServer, tmp_path: Path
) -> None:
    server.answers["/file"] = Answer(b"other")

    with pytest.raises(DamagedInput, match="as its index says"):
        Transport(interpret({})).download(
            f"{server.address}/file", tmp_path / "file", "0" * 64, SILENT
        )

    assert not list(tmp_path.iterdir())


def test_an_escaping_source_archive_writes_nothing(project: LoopbackServer, tmp_path: Path) -> None:
    project.serve_project("evil", {"evil-1.0.tar.gz": tar_bytes({"../../escaped": b"1"})})

    with pytest.raises(DamagedInput, match="escaped"):
        lock_source({"pypi": "evil==1.0", "archive": "sdist"}, ["**"], tmp_path / "a" / "b")

    assert not list(tmp_path.rglob("escaped"))


def test_a_folder_and_the_package_it_was_unpacked_from_have_equal_records(
    project: LoopbackServer, tmp_path: Path
) -> None:
    for name, content in WHEEL.items():
        (tmp_path / "local" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "local" / name).write_bytes(content)

    package = lock_source(WHEEL_ORIGIN, ["data_pack/*"], tmp_path / "work")
    folder = lock_source({"folder": str(tmp_path / "local")}, ["**/*"], tmp_path / "work2")

    assert package.files == folder.files
    assert folder.archive is None


def test_a_link_out_of_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"1")
    (tmp_path / "local").mkdir()
    (tmp_path / "local" / "link").symlink_to(tmp_path / "secret")

    with pytest.raises(DamagedInput, match="'link' is a link out"):
        lock_source({"folder": str(tmp_path / "local")}, ["**"], tmp_path / "work")


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="is no folder"):
        lock_source({"folder": str(tmp_path / "none")}, ["**"], tmp_path / "work")


def test_a_pattern_that_names_nothing_is_told_with_what_is_there(
    project: LoopbackServer, tmp_path: Path
) -> None:
    with pytest.raises(StudyError, match=r"\*\*/\*.json.*data_pack/a.csv"):
        lock_source(WHEEL_ORIGIN, ["**/*.json"], tmp_path / "work")


@pytest.mark.parametrize(
    "origin",
    [
        {},
        {"pypi": "x"},
        {"pypi": "x>=1"},
        {"pypi": "x==1.*"},
        {"pypi": "x[extra]==1"},
        {"pypi": "x==1", "archive": "egg"},
        {"pypi": "x==1", "folder": "y"},
        {"hub": "x"},
    ],
)
def test_an_origin_that_pins_nothing_is_refused(origin: dict[str, str]) -> None:
    with pytest.raises(StudyError):
        source_key(origin)


def test_the_key_is_the_pin_as_written() -> None:
    assert source_key({"pypi": "vaderSentiment == 3.3.2"}) == "pypi:vaderSentiment==3.3.2"


@pytest.mark.parametrize("origin", [WHEEL_ORIGIN, SDIST_ORIGIN])
def test_a_version_that_does_not_exist_is_told_without_a_traceback(
    project: LoopbackServer, tmp_path: Path, origin: dict[str, str]
) -> None:
    with pytest.raises(MachineLacks, match=r"data-pack==9\.9"):
        lock_source({**origin, "pypi": "data-pack==9.9"}, ["**"], tmp_path / "work")


def test_a_disk_that_is_too_full_is_told_before_anything_is_fetched(tmp_path: Path) -> None:
    wanted = [WantedFile(name="a", sha256="0" * 64, size=1 << 60)]

    with pytest.raises(MachineLacks, match="MiB are free"):
        fetch_files({"folder": str(tmp_path)}, wanted, tmp_path / "out")


def test_a_pointer_in_a_files_place_is_told_from_the_file(tmp_path: Path) -> None:
    (tmp_path / "local").mkdir()
    (tmp_path / "local/model.safetensors").write_text(
        "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 123\n"
    )
    entry = lock_source({"folder": str(tmp_path / "local")}, ["*"], tmp_path / "work")
    wanted = [
        WantedFile(name=name, sha256=file.sha256, size=file.size)
        for name, file in entry.files.items()
    ]

    with pytest.raises(DamagedInput, match=r"'model\.safetensors' is not the file but .*lfs pull"):
        fetch_files({"folder": str(tmp_path / "local")}, wanted, tmp_path / "out")


def _files_wanted(content: dict[str, bytes]) -> list[WantedFile]:
    return [
        WantedFile(name=name, sha256=sha256(each), size=len(each)) for name, each in content.items()
    ]


def _keep_the_archive(origin: dict[str, str], out: Path) -> Path:
    """Fetch as far as the archive, as a killed try did; return where it is."""
    from safebasin.sources.origin import open_source

    work = state_of(out)
    work.mkdir(parents=True)
    open_source(origin).archive(work, SILENT)
    (archive,) = (work / "archive").iterdir()
    return archive


@pytest.mark.parametrize("tear", TEARS.values(), ids=TEARS)
@pytest.mark.parametrize(("origin", "content"), [(WHEEL_ORIGIN, WHEEL), (SDIST_ORIGIN, SDIST)])
def test_a_torn_archive_of_an_earlier_try_is_fetched_anew_by_the_next(
    project: LoopbackServer, tmp_path: Path, origin: dict, content: dict, tear: Tear
) -> None:
    tear(_keep_the_archive(origin, tmp_path / "out"))

    fetch_files(origin, _files_wanted(content), tmp_path / "out")

    assert _files(tmp_path / "out") == content


@pytest.mark.parametrize("kept", ["archive/", "archive/a|archive/b", "archive", "archive.part/x"])
def test_whatever_lies_where_the_archive_should_the_wanted_files_are_fetched(
    project: LoopbackServer, tmp_path: Path, kept: str
) -> None:
    for name in kept.split("|"):
        path = state_of(tmp_path / "out") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir() if name.endswith("/") else path.write_bytes(b"x")

    fetch_files(SDIST_ORIGIN, _files_wanted(SDIST), tmp_path / "out")

    assert _files(tmp_path / "out") == SDIST


def test_what_is_wrong_at_its_source_stays_wrong_whatever_was_left(tmp_path: Path) -> None:
    (tmp_path / "local").mkdir()
    (tmp_path / "local/a").write_bytes(b"other")
    (state_of(tmp_path / "out") / "unchecked").mkdir(parents=True)

    with pytest.raises(DamagedInput, match="'a' should have SHA-256"):
        fetch_files(
            {"folder": str(tmp_path / "local")}, _files_wanted({"a": b"x"}), tmp_path / "out"
        )


RESERVED = ("artifact.json", "run.json", "artifact.json/a", "run.json/deep/b")


@pytest.mark.parametrize("name", RESERVED)
def test_a_name_of_the_stores_own_is_refused_when_locked_selected_and_fetched(
    name: str, tmp_path: Path
) -> None:
    local = tmp_path / "local"
    (local / name).parent.mkdir(parents=True)
    (local / name).write_bytes(b"{}")
    (local / "rows.csv").write_bytes(b"1")
    origin, key = {"folder": str(local)}, f"folder:{local}"
    entry = LockEntry(
        files={name: record_of(local / name), "rows.csv": record_of(local / "rows.csv")}
    )
    said = f"{key}.*{name}.*keeps for a file of its own.*rename it at its source"

    with pytest.raises(StudyError, match=said):
        lock_source(origin, ["**"], tmp_path / "work")
    with pytest.raises(StudyError, match=said):
        SourceLock({key: entry}).select(key, ["**"])
    with pytest.raises(StudyError, match=said):
        fetch_files(origin, _files_wanted({name: b"{}"}), tmp_path / "out")

    assert list(lock_source(origin, ["*.csv"], tmp_path / "work").files) == ["rows.csv"]
    assert [each["name"] for each in SourceLock({key: entry}).select(key, ["*.csv"])] == [
        "rows.csv"
    ]


@pytest.mark.parametrize("name", ["resume", "resume/a", "deep/artifact.json", "deep/run.json/a",
                                  "verified/x", "unchecked/y", "archive", "seal.json", "new", ".gone",
                                  "x.state", "x.gone", ".holder", "Artifact.json", "artifact.json.txt"])  # fmt: skip
def test_every_other_name_is_fetched_like_any_other(name: str, tmp_path: Path) -> None:
    path = tmp_path / "local" / name
    path.parent.mkdir(parents=True)
    path.write_bytes(b"mine")
    origin = {"folder": str(tmp_path / "local")}
    entry = lock_source(origin, ["**"], tmp_path / "work")

    fetch_files(origin, _files_wanted(dict.fromkeys(entry.files, b"mine")), tmp_path / "out")

    assert _files(tmp_path / "out") == {name: b"mine"}


def test_a_name_that_is_no_text_is_refused_where_it_is_locked(tmp_path: Path) -> None:
    (tmp_path / "local").mkdir()
    Path(os.fsdecode(os.fsencode(tmp_path / "local") + b"/\xff.csv")).write_bytes(b"1")

    with pytest.raises(DamagedInput, match="no text"):
        lock_source({"folder": str(tmp_path / "local")}, ["**"], tmp_path / "work")
