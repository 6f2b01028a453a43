"""One store of two users, each with the usual umask; only root can become both."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from safebasin.store.publish import publish
from safebasin.store.sharing import is_shared, let_group_read, shared_as
from safebasin.store.spec import Spec
from safebasin.store.store import Store

ANNE, BERT, GROUP, STRANGER = 60001, 60002, 60003, 60004
as_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can become two users")

WORK = """
import grp, json, os, pwd, sys, tempfile
from contextlib import suppress
uid, gid, groups, store, dies, umask = json.loads(sys.argv[1])
from pathlib import Path
from safebasin.cli import main
from safebasin.spec_text import pack_spec
from safebasin.steps import fetch_source
from safebasin.store.spec import Spec
def run(job):
    (job.state / "deep").mkdir(parents=True, exist_ok=True)
    with (job.state / "deep" / "log").open("a") as file:
        file.write("x")
    (job.folder / "half").mkdir(exist_ok=True)
    (job.folder / "half" / "rows.txt").write_text("rows")
    if dies and os.getuid() == uid:
        os._exit(9)
fetch_source.run = run
def make(store):
    spec = pack_spec(Spec(kind="source", params={"n": 1}))
    main(["fetch_source", "--spec", spec, "--store", store])
with tempfile.TemporaryDirectory() as warm, suppress(SystemExit):
    make(warm)  # all is imported while Python itself can be read
os.setgroups(groups), os.setgid(gid), os.setuid(uid), os.umask(umask)
make(store)
"""


@pytest.fixture
def root() -> Iterator[Path]:
    """A store's folder where others can get to, which pytest's own folders are not."""
    with tempfile.TemporaryDirectory(prefix="safebasin-sharing-") as folder:
        Path(folder).chmod(0o755)
        (Path(folder) / "store").mkdir()
        yield Path(folder) / "store"


def share(root: Path) -> None:
    os.chown(root, 0, GROUP)
    root.chmod(0o2775)


def work(
    root: Path,
    user: int,
    *,
    dies: bool = False,
    umask: int = 0o022,
    groups: tuple[int, ...] = (GROUP,),
) -> subprocess.CompletedProcess[str]:
    told = json.dumps([user, user, list(groups), str(root), dies, umask])
    return subprocess.run(
        [sys.executable, "-c", WORK, told], capture_output=True, text=True, cwd=root.parent
    )


def everything(root: Path) -> dict[str, os.stat_result]:
    return {str(path.relative_to(root)): path.stat() for path in root.rglob("*")}


@as_root
@pytest.mark.parametrize("umask", [0o022, 0o077], ids=["022", "077"])
def test_what_one_user_left_another_goes_on_with(root, umask):
    share(root)
    assert work(root, ANNE, dies=True, umask=umask).returncode == 9
    assert (root / ".locks").is_dir()

    ended = work(root, BERT, umask=umask)

    assert ended.returncode == 0, ended.stderr
    store = Store(root)
    made = store.find(Spec(kind="source", params={"n": 1}))
    assert made is not None
    assert set(made.files) == {"half/rows.txt"}
    assert not [name for name in everything(root) if name.startswith(".scratch/")]
    for name, found in everything(root).items():
        assert found.st_gid == GROUP, name
        wanted = stat.S_IWGRP | stat.S_IRGRP | (stat.S_ISGID if stat.S_ISDIR(found.st_mode) else 0)
        assert found.st_mode & wanted == wanted, name
    again = work(root, ANNE, umask=umask)
    assert again.returncode == 0, again.stderr


@as_root
def test_the_umask_is_the_users_own_again(root):
    share(root)
    kept = os.umask(0o022)
    try:
        with shared_as(root):
            inside = os.umask(0o002)
            os.umask(inside)
        assert (inside, os.umask(0o022)) == (0o002, 0o022)
    finally:
        os.umask(kept)


@as_root
@pytest.mark.parametrize("owner", [ANNE, 0], ids=["another user's", "root's"])
def test_a_store_that_is_not_shared_is_refused_in_one_message_with_the_cure(root, owner):
    os.chown(root, owner, owner)
    root.chmod(0o755)
    if owner == ANNE:
        assert work(root, ANNE, dies=True).returncode == 9
    before = set(everything(root))

    ended = work(root, BERT)

    assert ended.returncode == 4
    (line,) = [line for line in ended.stderr.splitlines() if "is published" not in line]
    for word in (str(root), "Permission denied", "docs/store.md", f"this is {BERT}"):
        assert word in line
    assert set(everything(root)) == before


@as_root
def test_a_stranger_reads_what_is_published_and_is_refused_the_rest(root):
    share(root)
    assert work(root, ANNE).returncode == 0

    assert work(root, STRANGER, groups=()).returncode == 0  # it is there already
    made = root / "source"
    for path in made.iterdir():
        path.rename(root.parent / "elsewhere")
    ended = work(root, STRANGER, groups=())

    assert ended.returncode == 4
    assert "Traceback" not in ended.stderr


@as_root
@pytest.mark.parametrize(("group", "mode"), [(0, 0o600), (GROUP, 0o600), (0, 0o640)])
def test_a_file_that_the_group_could_not_read_is_made_one_that_it_can(root, group, mode):
    """A link into a user's own cache has that cache's rights."""
    share(root)
    cache = root.parent / "cached"
    cache.write_text("weights")
    os.chown(cache, 0, group)
    cache.chmod(mode)
    store, spec = Store(root), Spec(kind="source", params={"n": 2})
    with shared_as(root), store.lock(spec.digest):
        store.scratch(spec.digest).mkdir(parents=True)
        os.link(cache, store.scratch(spec.digest) / "weights")
        folder = publish(store, spec, ("*",), {}).folder

    found = (folder / "weights").stat()
    assert found.st_gid == GROUP
    assert found.st_mode & stat.S_IRGRP
    assert stat.S_IMODE(cache.stat().st_mode) == mode
    assert sorted(path.name for path in folder.iterdir()) == [
        "artifact.json",
        "run.json",
        "weights",
    ]


def test_whatever_the_files_are_called_none_is_lost_where_copies_are_made(tmp_path):
    names = {"weights", ".weights.own", "own", "x" * 255, "deep/weights", "deep/.weights.own"}
    root = tmp_path / "store"
    root.mkdir()
    root.chmod(0o2775)
    store, spec = Store(root), Spec(kind="source", params={"n": 3})
    for name in names:
        path = store.scratch(spec.digest) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
        path.chmod(0o600)
    root.chmod(0o2775)
    with shared_as(root), store.lock(spec.digest):
        for name in names:  # of a group that is not the store's
            if os.getuid() == 0:
                os.chown(store.scratch(spec.digest) / name, ANNE, STRANGER)
        made = publish(store, spec, ("**/*",), {})
    assert set(made.files) == names
    assert {name: (made.folder / name).read_text() for name in names} == {
        name: name for name in names
    }
    assert not list((root / ".scratch").iterdir())


def test_only_a_folder_that_hands_its_group_on_is_shared(tmp_path):
    for mode, shared in ((0o755, False), (0o775, False), (0o2755, False), (0o2775, True)):
        tmp_path.chmod(mode)
        assert is_shared(tmp_path) == shared
    assert not is_shared(tmp_path / "none")
    tmp_path.chmod(0o755)


def test_what_everybody_can_read_stays_the_same_file(tmp_path):
    (tmp_path / "a").write_text("x")
    (tmp_path / "a").chmod(0o644)
    before = (tmp_path / "a").stat().st_ino

    let_group_read(tmp_path / "a", tmp_path, tmp_path / "draft")

    assert (tmp_path / "a").stat().st_ino == before
