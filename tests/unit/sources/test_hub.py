"""The hub as a source, by the real client against a hub on loopback."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from huggingface_hub import constants
from safebasin.errors import DamagedInput, MachineLacks, SafebasinError, StudyError
from safebasin.sources.fetch import fetch_files, lock_source, source_key
from safebasin.sources.lock import SourceLock
from safebasin.sources.wanted import WantedFile

from .hub_lookalike import HubLookalike, sha256

FILES = {
    "config.json": b'{"hidden_size": 8}',
    "model-00001.safetensors": os.urandom(50_000),
    "model-00002.safetensors": os.urandom(40_000),
    "sub dir/tokenizer.json": b"{}",
}
REPO = "lab/model"
COMMIT, NEWER = "a" * 40, "b" * 40
ORIGIN = {"hub": REPO, "kind": "model", "revision": COMMIT}
UNLOCKED = {**ORIGIN, "revision": "unlocked", "branch": "main"}
SHARD = "model-00001.safetensors"


@pytest.fixture
def model(hub: HubLookalike) -> HubLookalike:
    hub.add(REPO, FILES, commit=COMMIT)
    return hub


def locked(files: dict[str, bytes] | None = None) -> list[WantedFile]:
    return [
        WantedFile(name=name, sha256=sha256(content), size=len(content))
        for name, content in (files or FILES).items()
    ]


def left(folder: Path) -> dict[str, bytes]:
    return {
        each.relative_to(folder).as_posix(): each.read_bytes()
        for each in folder.rglob("*")
        if each.is_file()
    }


def cache(commit: str, name: str, content: bytes, repo: str = REPO) -> Path:
    """Put a file into the user's cache as the client does: a blob and a link to it."""
    home = Path(constants.HF_HUB_CACHE) / f"models--{repo.replace('/', '--')}"
    blob, link = home / "blobs" / sha256(content), home / "snapshots" / commit / name
    for path in (blob, link):
        path.parent.mkdir(parents=True, exist_ok=True)
    blob.write_bytes(content)
    link.symlink_to(blob)
    return blob


def test_a_branch_is_locked_to_a_commit_and_hashes_without_fetching_large_files(model, tmp_path):
    entry = lock_source(UNLOCKED, ["*.json", "*.safetensors", "**/tokenizer.json"], tmp_path)

    assert entry.revision == COMMIT
    assert {name: (each.sha256, each.size) for name, each in entry.files.items()} == {
        name: (sha256(content), len(content)) for name, content in FILES.items()
    }
    assert not model.asked(SHARD)
    assert source_key(UNLOCKED) == "hub:lab/model@main"
    assert source_key({**ORIGIN, "kind": "dataset"}) == f"hub:datasets/lab/model@{COMMIT}"


def test_a_locked_hub_source_reads_back_from_the_lock(model, tmp_path):
    entry = lock_source(UNLOCKED, ["*.json"], tmp_path / "work")

    SourceLock({"hub:lab/model@main": entry}).save(tmp_path / "lock")

    assert SourceLock.load(tmp_path / "lock").entries == {"hub:lab/model@main": entry}


@pytest.mark.parametrize("kind", ["model", "dataset"])
def test_what_was_locked_is_fetched_whatever_the_branch_does_later(hub, tmp_path, kind):
    path = REPO if kind == "model" else f"datasets/{REPO}"
    hub.add(path, FILES, commit=COMMIT)
    entry = lock_source({**UNLOCKED, "kind": kind}, ["**/*.json", "*.safetensors"], tmp_path / "w")
    hub.add(path, {"config.json": b"changed"}, commit=NEWER)

    fetch_files({**ORIGIN, "kind": kind, "revision": entry.revision}, locked(), tmp_path / "out")

    assert left(tmp_path / "out") == FILES


def test_a_fetch_needs_no_listing_and_asks_once_for_each_file(model, tmp_path):
    fetch_files(ORIGIN, locked(), tmp_path / "out")

    assert not [each for each in model.requests if each.path.startswith("/api")]
    assert len(model.asked(SHARD)) == 2  # the hub, and the storage it redirects to


def test_hub_folder_and_cache_give_the_same_records(model, tmp_path):
    for name, content in FILES.items():
        (tmp_path / "local" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "local" / name).write_bytes(content)

    from_hub = lock_source(ORIGIN, ["**/*"], tmp_path / "work")
    from_folder = lock_source({"folder": str(tmp_path / "local")}, ["**/*"], tmp_path / "work")

    assert from_hub.files == from_folder.files


def test_a_cut_connection_is_gone_on_with_where_it_broke(model, tmp_path):
    model.faults.breaks[SHARD] = [30_000]

    fetch_files(ORIGIN, locked(), tmp_path / "out")

    assert left(tmp_path / "out") == FILES
    ranges = [each.headers.get("range") for each in model.asked(SHARD) if each.server == "storage"]
    assert ranges == [None, "bytes=30000-"]


def test_a_killed_fetch_keeps_whole_files_and_the_part_of_one(model, tmp_path):
    content = FILES[SHARD]
    kept = tmp_path / "out.state" / "verified"
    kept.mkdir(parents=True)
    (kept / sha256(FILES["config.json"])).write_bytes(FILES["config.json"])
    (kept / f"{sha256(content)}.part").write_bytes(content[:20_000])

    fetch_files(ORIGIN, locked(), tmp_path / "out")

    assert left(tmp_path / "out") == FILES
    assert not model.asked("config.json")
    assert {each.headers["range"] for each in model.asked(SHARD)} == {"bytes=20000-"}


def test_a_part_with_other_bytes_is_thrown_away_and_fetched_anew(model, tmp_path):
    kept = tmp_path / "out.state" / "verified"
    kept.mkdir(parents=True)
    (kept / f"{sha256(FILES[SHARD])}.part").write_bytes(b"other")

    fetch_files(ORIGIN, locked(), tmp_path / "out")

    assert left(tmp_path / "out") == FILES


@pytest.mark.parametrize("name", ["config.json", SHARD])
def test_a_server_that_recovers_is_waited_for(model, tmp_path, name):
    model.faults.statuses[name] = [500, 503]

    fetch_files(ORIGIN, locked(), tmp_path / "out")

    assert left(tmp_path / "out") == FILES


def test_a_wrong_byte_names_file_and_hashes_and_keeps_what_was_right(model, tmp_path):
    model.faults.wrong.add(SHARD)

    with pytest.raises(DamagedInput, match=f"lab/model.*{SHARD}.*{sha256(FILES[SHARD])}"):
        fetch_files(ORIGIN, locked(), tmp_path / "out")
    model.faults.wrong.clear()
    assert not left(tmp_path / "out")
    assert set(left(tmp_path / "out.state")) == {f"verified/{sha256(FILES['config.json'])}"}
    fetch_files(ORIGIN, locked(), tmp_path / "out")

    assert left(tmp_path / "out") == FILES
    assert len(model.asked("config.json")) == 1


def test_a_wrong_byte_of_a_small_file_is_found_when_it_is_locked(model, tmp_path):
    model.faults.wrong.add("config.json")

    with pytest.raises(DamagedInput, match=r"lab/model@main: 'config.json'"):
        lock_source(UNLOCKED, ["*.json"], tmp_path)


@pytest.mark.parametrize(
    ("origin", "fault", "words"),
    [
        ({**ORIGIN, "hub": "lab/none"}, None, ("lab/none", "no such repository", "HF_TOKEN")),
        ({**ORIGIN, "revision": NEWER}, None, (REPO, NEWER, "no such revision", "mirrors")),
        (ORIGIN, "gone", (REPO, "'config.json'", "404", "no such file")),
        (ORIGIN, "gate", (REPO, "401", "gated", "/lab/model signed in", "HF_TOKEN")),
        (ORIGIN, "wrong token", (REPO, "403", "gated", "HF_TOKEN")),
        (ORIGIN, "down", (REPO, "'config.json'", "500", "try later", "mirrors")),
        (ORIGIN, "offline", (REPO, "HF_HUB_OFFLINE")),
    ],
)
def test_a_refusal_names_repository_file_and_cure(
    model, tmp_path, monkeypatch, origin, fault, words
):
    if fault == "gone":
        del model.repositories[REPO].commits[COMMIT]["config.json"]
    elif fault == "gate":
        model.repositories[REPO].token = "hf_right"
    elif fault == "wrong token":
        model.repositories[REPO].token = "hf_right"
        monkeypatch.setenv("HF_TOKEN", "hf_of_somebody_else")
    elif fault == "down":
        model.faults.statuses["config.json"] = [500] * 9
    elif fault == "offline":
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)

    with pytest.raises(MachineLacks) as caught:
        fetch_files(origin, locked({"config.json": FILES["config.json"]}), tmp_path / "out")

    for word in words:
        assert word in str(caught.value)
    assert "hf_of_somebody_else" not in str(caught.value)
    assert not left(tmp_path / "out")


def test_a_hub_that_is_not_there_is_told_with_what_to_do(model, tmp_path):
    model.close()

    with pytest.raises(MachineLacks, match=r"lab/model.*cannot be reached.*mirror.*HF_ENDPOINT"):
        lock_source(UNLOCKED, ["*"], tmp_path)


def test_the_token_opens_a_gate_and_goes_to_nobody_but_the_hub(model, tmp_path, monkeypatch):
    model.repositories[REPO].token = "hf_right"
    monkeypatch.setenv("HF_TOKEN", "hf_right")

    fetch_files(ORIGIN, locked(), tmp_path / "out")

    assert left(tmp_path / "out") == FILES
    told = {each.server: "authorization" in each.headers for each in reversed(model.requests)}
    assert any(each.headers.get("authorization") == "Bearer hf_right" for each in model.requests)
    assert told == {"hub": True, "storage": False}


def test_the_login_file_of_the_user_counts_as_a_token(model, tmp_path):
    model.repositories[REPO].token = "hf_right"
    Path(constants.HF_TOKEN_PATH).parent.mkdir(parents=True)
    Path(constants.HF_TOKEN_PATH).write_text("hf_right\n")

    fetch_files(ORIGIN, locked(), tmp_path / "out")

    assert left(tmp_path / "out") == FILES


def test_a_file_in_the_users_cache_is_linked_and_not_asked_for(model, tmp_path):
    blob = cache(COMMIT, SHARD, FILES[SHARD])

    fetch_files(ORIGIN, locked({SHARD: FILES[SHARD]}), tmp_path / "out")

    assert left(tmp_path / "out") == {SHARD: FILES[SHARD]}
    assert not model.requests
    copied = (tmp_path / "out" / SHARD).stat()
    assert copied.st_ino == blob.stat().st_ino or copied.st_nlink == 1  # a reflink has its own


def test_a_large_file_is_found_in_the_cache_under_another_commit_too(model, tmp_path):
    cache(NEWER, "renamed.safetensors", FILES[SHARD])

    fetch_files(ORIGIN, locked({SHARD: FILES[SHARD]}), tmp_path / "out")

    assert not model.requests


def test_a_damaged_file_in_the_cache_is_passed_over(model, tmp_path):
    cache(COMMIT, SHARD, FILES[SHARD]).write_bytes(bytes(len(FILES[SHARD])))

    fetch_files(ORIGIN, locked({SHARD: FILES[SHARD]}), tmp_path / "out")

    assert left(tmp_path / "out") == {SHARD: FILES[SHARD]}
    assert model.asked(SHARD)


def test_a_renamed_repository_is_followed_with_the_token(model, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_right")
    model.repositories[REPO].token = "hf_right"
    model.renamed["lab/old"] = REPO
    old = {**UNLOCKED, "hub": "lab/old"}

    entry = lock_source(old, ["**/*"], tmp_path / "work")
    fetch_files({**old, "revision": COMMIT}, locked(), tmp_path / "out")

    assert (entry.revision, set(entry.files)) == (COMMIT, set(FILES))
    assert left(tmp_path / "out") == FILES


def test_a_vanished_revision_comes_from_a_mirror_without_the_token(model, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_mine")
    mirror = HubLookalike()
    mirror.add(REPO, FILES, commit=COMMIT)
    del model.repositories[REPO].commits[COMMIT]

    fetch_files({**ORIGIN, "mirrors": mirror.address}, locked(), tmp_path / "out")
    mirror.close()

    assert left(tmp_path / "out") == FILES
    assert mirror.requests
    assert not [each for each in mirror.requests if "authorization" in each.headers]


def test_a_vanished_repository_comes_from_a_folder_which_stays_as_it_is(hub, tmp_path):
    for name, content in FILES.items():
        (tmp_path / "local" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "local" / name).write_bytes(content)

    fetch_files({**ORIGIN, "mirrors": str(tmp_path / "local")}, locked(), tmp_path / "out")

    assert left(tmp_path / "out") == left(tmp_path / "local") == FILES
    assert (tmp_path / "local" / SHARD).stat().st_nlink == 1


def test_where_no_mirror_helps_both_problems_are_told(hub, tmp_path):
    (tmp_path / "local").mkdir()

    with pytest.raises(SafebasinError, match=r"no such repository.*mirrors: .*config\.json.*SHA"):
        fetch_files({**ORIGIN, "mirrors": str(tmp_path / "local")}, locked(), tmp_path / "out")


@pytest.mark.parametrize("name", ["../escaped.json", "/escaped.json", "a/../../escaped.json"])
def test_a_listed_name_that_leaves_its_folder_writes_nothing(hub, tmp_path, name):
    hub.add(REPO, {**FILES, name: b"1"}, commit=COMMIT)

    with pytest.raises(DamagedInput, match=r"lab/model@main.*escaped.*nothing was written"):
        lock_source(UNLOCKED, ["**"], tmp_path / "a" / "b")

    assert not list(tmp_path.rglob("escaped*"))


def test_a_commit_or_hash_that_is_none_is_not_taken(hub, tmp_path):
    hub.add(REPO, FILES, commit="not a commit")

    with pytest.raises(MachineLacks, match=r"lab/model.*not understood"):
        lock_source(UNLOCKED, ["**"], tmp_path)


PICKLED = {"pytorch_model.bin": b"\x80\x02.", "modeling_own.py": b"raise SystemExit"}


def test_pickles_and_code_are_left_out_where_there_are_safetensors(hub, tmp_path):
    hub.add(REPO, {**FILES, **PICKLED}, commit=COMMIT)

    entry = lock_source(ORIGIN, ["**/*"], tmp_path)

    assert set(entry.files) == set(FILES)


@pytest.mark.parametrize(
    ("files", "patterns", "named"),
    [
        ({**FILES, **PICKLED}, ["*.json", "*.bin"], "'pytorch_model.bin' may be a pickle"),
        ({**FILES, **PICKLED}, ["modeling_*"], "'modeling_own.py' is code"),
        ({"config.json": b"{}", **PICKLED}, ["*"], "'pytorch_model.bin' may be a pickle"),
        ({"x.CKPT": b"", "y.json": b""}, ["*"], "'x.CKPT' may be a pickle"),
    ],
)
def test_a_pickle_or_code_that_is_asked_for_is_refused_by_name(
    hub, tmp_path, files, patterns, named
):
    hub.add(REPO, files, commit=COMMIT)

    with pytest.raises(StudyError, match=rf"lab/model@.*{named}.*safetensors"):
        lock_source(ORIGIN, patterns, tmp_path)


def test_a_pickle_in_a_lock_is_refused_too(model, tmp_path):
    with pytest.raises(DamagedInput, match=r"weights\.pt.*pickle"):
        fetch_files(ORIGIN, locked({"weights.pt": b"x"}), tmp_path / "out")

    assert not model.requests


@pytest.mark.parametrize(
    "origin",
    [
        {"hub": REPO, "revision": "main"},
        {"hub": "model", "revision": COMMIT},
        {"hub": REPO, "revision": COMMIT, "kind": "space"},
        {"hub": REPO, "revision": COMMIT, "token": "x"},
        {"hub": REPO},
    ],
)
def test_an_origin_that_names_no_commit_of_a_repository_is_refused(origin):
    with pytest.raises(StudyError):
        source_key(origin)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("", "needs the 'revision'"),
        (f"  revision: {COMMIT[:7]}\n", "revision: 'aaaaaaa'"),
        (
            f"  revision: {COMMIT}\n  archive: {{name: x, sha256: '{'0' * 64}', size: 1}}\n",
            "should have none",
        ),
    ],
)
def test_a_lock_entry_of_a_hub_has_a_commit_and_no_archive(tmp_path, more, said):
    (tmp_path / "lock").write_text("hub:lab/model@main:\n  files: {}\n" + more)

    with pytest.raises(StudyError, match=said):
        SourceLock.load(tmp_path / "lock")
