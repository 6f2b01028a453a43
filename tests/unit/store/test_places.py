"""A store whose own folders are none, or are apart, is refused before any work is done."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from safebasin.errors import MachineLacks
from safebasin.store.places import check_places
from safebasin.store.store import Store

ELSEWHERE = Path("/dev/shm")
KIND, OTHER = "mixture", "adapter"
OWN = ["", KIND, ".scratch", ".locks", ".redo"]
apart = pytest.mark.skipif(
    not ELSEWHERE.is_dir() or ELSEWHERE.stat().st_dev == Path(tempfile.gettempdir()).stat().st_dev,
    reason="there is one file system only",
)


@pytest.fixture
def elsewhere() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(dir=ELSEWHERE))
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("place", OWN)
@pytest.mark.parametrize("what", ["a file", "a link to nothing", "a link to itself"])
def test_what_is_no_folder_is_named(place, what, tmp_path):
    store = Store(tmp_path / "store")
    path = store.root / place
    path.parent.mkdir(exist_ok=True)
    if what == "a file":
        path.touch()
    else:
        path.symlink_to(tmp_path / "unmounted" if what == "a link to nothing" else path)
    with pytest.raises(MachineLacks) as refused:
        check_places(store, KIND)
    assert str(refused.value).startswith(f"{path}, where the store keeps a folder, is a ")
    assert "--store" in str(refused.value)


@apart
@pytest.mark.parametrize("place", [KIND, ".scratch"])
def test_where_a_finished_artifact_could_not_be_moved_nothing_is_begun(place, elsewhere, tmp_path):
    store = Store(tmp_path)
    (store.root / place).symlink_to(elsewhere)
    with pytest.raises(MachineLacks) as refused:
        check_places(store, KIND)
    assert f"{store.root / place} leads to another file system" in str(refused.value)
    check_places(store, OTHER) if place == KIND else None


@apart
def test_a_store_that_lies_elsewhere_as_a_whole_is_right(elsewhere, tmp_path):
    (tmp_path / "store").symlink_to(elsewhere)
    for name in (KIND, ".scratch"):
        (elsewhere / name).mkdir()
    check_places(Store(tmp_path / "store"), KIND)


@pytest.mark.parametrize("name", ["none yet", "a {place} of: mine\n", "x" * 255])
def test_a_usual_store_is_let_be_and_nothing_is_written(name, tmp_path):
    check_places(Store(tmp_path / name), KIND)
    assert os.listdir(tmp_path) == []  # noqa: PTH208
