from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from safebasin.errors import DamagedInput
from safebasin.spec_text import LONGEST, lay_long_specs, pack_spec
from safebasin.store.artifact import MANIFEST, read_artifact
from safebasin.store.publish import UndeclaredFile, publish
from safebasin.store.receipts import FIXED_MTIME, lay_receipts, receipt_path
from safebasin.store.spec import Spec
from safebasin.store.store import Store
from safebasin.store.verify import verify

from ...draws import few
from ...wear import TEARS


def made(store: Store, spec: Spec, **files: str) -> Path:
    """Publish ``files`` as the artifact of ``spec`` and return its folder."""
    scratch = store.scratch(spec.digest)
    scratch.mkdir(parents=True)
    for name, text in files.items():
        (scratch / f"{name}.txt").write_text(text)
    return publish(store, spec, ("*.txt",), {"seconds": 1}).folder


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


SPEC = Spec(kind="corpus", code="read_corpus/1", params={"rows": 3})


def test_swapped_inputs_are_another_artifact():
    one = Spec(kind="direction", inputs={"aligned": "a", "base": "b"})
    other = Spec(kind="direction", inputs={"aligned": "b", "base": "a"})
    assert one.digest != other.digest


def test_a_spec_survives_its_json():
    assert Spec.from_json(SPEC.as_json()) == SPEC


def test_a_published_artifact_is_found_and_holds_its_files(store):
    made(store, SPEC, rows="hello")
    artifact = store.find(SPEC)
    assert artifact is not None
    assert artifact.spec == SPEC
    assert set(artifact.files) == {"rows.txt"}
    assert artifact.size == 5
    assert not store.scratch(SPEC.digest).exists()


def test_a_file_that_the_kind_does_not_declare_stops_publishing(store):
    scratch = store.scratch(SPEC.digest)
    scratch.mkdir(parents=True)
    (scratch / "left.tmp").write_text("x")
    with pytest.raises(UndeclaredFile, match=r"left\.tmp"):
        publish(store, SPEC, ("*.txt",), {})
    assert store.find(SPEC) is None


def test_what_an_earlier_try_left_is_replaced(store):
    home = store.home(SPEC.kind, SPEC.digest)
    home.mkdir(parents=True)
    (home / "half.txt").write_text("half")
    made(store, SPEC, rows="whole")
    assert {path.name for path in home.iterdir()} == {"rows.txt", MANIFEST, "run.json"}


def test_the_manifest_holds_no_time_and_no_path(store, tmp_path):
    text = (made(store, SPEC, rows="x") / MANIFEST).read_text()
    other = Store(tmp_path / "elsewhere")
    assert (made(other, SPEC, rows="x") / MANIFEST).read_text() == text
    assert str(tmp_path) not in text


@few(40, unchecked=[HealthCheck.function_scoped_fixture])
@given(
    bit=st.integers(0, 7),
    place=st.floats(0, 1, exclude_max=True),
    victim=st.sampled_from(["rows.txt", MANIFEST]),
)
def test_every_flipped_bit_is_found_and_its_file_named(tmp_path_factory, bit, place, victim):
    store = Store(tmp_path_factory.mktemp("store"))
    folder = made(store, SPEC, rows="some text that matters", more="and more")
    path = folder / victim
    data = bytearray(path.read_bytes())
    data[int(place * len(data))] ^= 1 << bit
    path.write_bytes(bytes(data))
    assert {damage.file for damage in verify(store)} == {victim}


def test_a_missing_and_an_added_file_are_named(store):
    folder = made(store, SPEC, rows="x", more="y")
    (folder / "rows.txt").unlink()
    (folder / "new.txt").write_text("z")
    assert {damage.file for damage in verify(store)} == {"rows.txt", "new.txt"}


def test_an_undamaged_store_has_nothing_to_report(store):
    made(store, SPEC, rows="x")
    assert list(verify(store)) == []


def test_a_manifest_of_another_digest_is_refused(store):
    folder = made(store, SPEC, rows="x")
    other = folder.with_name("0" * 16)
    folder.rename(other)
    with pytest.raises(DamagedInput, match="digest"):
        read_artifact(other)


def test_receipts_are_laid_for_what_is_there_and_dropped_for_what_is_gone(store, tmp_path):
    made(store, SPEC, rows="x")
    gone = Spec(kind="corpus", params={"rows": 4})
    stale = tmp_path / receipt_path("corpus", gone.digest)
    stale.parent.mkdir(parents=True)
    stale.write_text("{}")
    lay_receipts(store, [("corpus", SPEC.digest), ("corpus", gone.digest)], tmp_path)
    receipt = tmp_path / receipt_path("corpus", SPEC.digest)
    assert receipt.read_bytes() == (store.home("corpus", SPEC.digest) / MANIFEST).read_bytes()
    assert int(receipt.stat().st_mtime) == FIXED_MTIME
    assert not stale.exists()


@pytest.mark.parametrize("tear", TEARS.values(), ids=TEARS)
def test_a_torn_receipt_or_spec_is_laid_anew(tear, store, tmp_path):
    made(store, SPEC, rows="x")
    long = Spec(kind="evaluation", params={"rows": "x" * LONGEST})
    receipt = tmp_path / receipt_path("corpus", SPEC.digest)
    spec = tmp_path / pack_spec(long).removeprefix("file:")
    for torn in (False, True):
        lay_receipts(store, [("corpus", SPEC.digest)], tmp_path)
        lay_long_specs([long], tmp_path)
        if not torn:
            whole = receipt.read_bytes(), spec.read_bytes()
            tear(receipt)
            tear(spec)
    assert (receipt.read_bytes(), spec.read_bytes()) == whole
    assert int(receipt.stat().st_mtime) == FIXED_MTIME


@pytest.mark.parametrize(
    ("name", "pattern", "fits"),
    [
        ("a.txt", "*.txt", True),
        ("resume/a.txt", "*.txt", False),
        ("figures/a.svg", "figures/*.svg", True),
        ("figures/deep/a.svg", "figures/*.svg", False),
        ("a", "**/*", True),
        ("deep/er/a", "**/*", True),
        ("deep/er/a.txt", "**/*.txt", True),
        ("model-1/x-of-2.safetensors", "model-*-of-*.safetensors", False),
    ],
)
def test_a_star_stays_in_its_folder(name, pattern, fits, store):
    path = store.scratch(SPEC.digest) / name
    path.parent.mkdir(parents=True)
    path.write_text("x")
    if fits:
        assert set(publish(store, SPEC, (pattern,), {}).files) == {name}
    else:
        with pytest.raises(UndeclaredFile, match=name):
            publish(store, SPEC, (pattern,), {})


WRITER = textwrap.dedent("""
    import sys, time
    from pathlib import Path
    from safebasin.resume.durable import discard
    from safebasin.store.publish import publish
    from safebasin.store.spec import Spec
    from safebasin.store.store import Store

    store, spec = Store(Path(sys.argv[1])), Spec(kind="corpus", params={"rows": 9})
    with store.lock(spec.digest):
        if store.find(spec) is None:
            scratch = store.scratch(spec.digest)
            discard(scratch)
            scratch.mkdir(parents=True)
            print("begun", flush=True)
            for index in range(40):
                (scratch / f"{index}.txt").write_text("x" * 10000)
            publish(store, spec, ("*.txt",), {})
            print("made", flush=True)
""")


def test_a_writer_killed_at_any_moment_leaves_all_or_nothing(tmp_path):
    store, spec = Store(tmp_path / "store"), Spec(kind="corpus", params={"rows": 9})
    undisturbed = Store(tmp_path / "undisturbed")
    subprocess.run([sys.executable, "-c", WRITER, str(undisturbed.root)], check=True)
    wanted = (undisturbed.home("corpus", spec.digest) / MANIFEST).read_bytes()
    for delay in (0, 0.002, 0.005, 0.01, 0.02, 0.04):
        child = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(store.root)], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        child.stdout.readline()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        try:
            child.wait(delay)
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGKILL)
            child.wait()
        home = store.home("corpus", spec.digest)
        assert not home.exists() or (home / MANIFEST).read_bytes() == wanted
    subprocess.run([sys.executable, "-c", WRITER, str(store.root)], check=True)
    assert (store.home("corpus", spec.digest) / MANIFEST).read_bytes() == wanted
    assert list(verify(store)) == []


def test_of_many_writers_of_one_digest_one_makes_it(tmp_path):
    children = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    told = [child.communicate()[0] for child in children]
    assert all(child.returncode == 0 for child in children)
    assert sum("made" in text for text in told) == 1
