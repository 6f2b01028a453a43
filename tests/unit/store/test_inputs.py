"""A step reads no input that is not, byte for byte, what its manifest says."""

from __future__ import annotations

import importlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from safebasin.errors import DamagedInput, RequestError
from safebasin.run_step import Request, run_step
from safebasin.steps.job import Job
from safebasin.store.artifact import MANIFEST, Artifact, read_artifact
from safebasin.store.hash_memory import HashMemory
from safebasin.store.inputs import check_inputs
from safebasin.store.kinds import RULES
from safebasin.store.spec import Spec
from safebasin.store.store import Store

from .made import as_of_before, flip, put, spec_of

MAKER = {"source": "fetch_source", **{rule.kind: name for name, rule in RULES.items()}}
"""A rule that makes each kind."""
ROLES = [
    (name, role.removesuffix("?").replace("*", "a"), kind)
    for name, rule in RULES.items()
    for role, kind in rule.roles.items()
]
"""Every role of every rule."""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def unremembered() -> HashMemory:
    return HashMemory(None, 0)


def remove(path: Path) -> None:
    path.unlink()


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def lay_beside(path: Path) -> None:
    (path.parent / "left_over.bin").write_bytes(b"x")


def make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def make_dangling(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


def make_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


DAMAGES: dict[str, tuple[Callable[[Path], None], str]] = {
    "a flipped bit": (flip, r"{name}: SHA-256 .* the manifest says"),
    "a missing file": (remove, "{name}: the file is missing"),
    "a file cut short": (truncate, r"{name}: SHA-256 .* the manifest says"),
    "an empty file": (empty, r"{name}: SHA-256 .*\(0 bytes\), the manifest says"),
    "an extra file": (lay_beside, r"left_over\.bin: the manifest does not know this file"),
    "a folder in its place": (make_folder, "{name}: a folder stands in its place"),
    "a link to nothing": (make_dangling, "{name}: it is a link to nothing"),
    "a pipe in its place": (make_pipe, "{name}: it is no file but a pipe"),
}


@pytest.mark.parametrize(("rule", "role", "kind"), ROLES)
def test_a_flipped_bit_in_any_role_of_any_step_stops_it_before_it_runs(
    rule, role, kind, store, monkeypatch
):
    step = importlib.import_module(f"safebasin.steps.{rule}")
    monkeypatch.setattr(step, "run", lambda job: pytest.fail("the step has run"))
    given = put(store, MAKER[kind])
    spec = Spec(kind=RULES[rule].kind, inputs={role: given.spec.digest})
    flip(given.folder / "deep" / "two.bin", 5)
    with pytest.raises(DamagedInput) as refused:
        run_step(Request(step=rule, spec=spec, store=store))
    for told in (rule, spec.digest, role, kind, given.spec.digest, "deep/two.bin"):
        assert told in str(refused.value)
    assert "`safebasin verify`" in str(refused.value)
    assert f"`safebasin redo {given.spec.digest}`" in str(refused.value)
    assert store.find(spec) is None


@pytest.mark.parametrize("file", ["one.bin", "deep/two.bin"])
@pytest.mark.parametrize(("damage", "told"), DAMAGES.values(), ids=DAMAGES)
def test_whatever_is_wrong_with_a_file_is_told_by_its_name(damage, told, file, store):
    given = put(store, "read_corpus")
    spec = spec_of(RULES["split_corpus"], {"corpus.a": given.spec.digest})
    damage(given.folder / file)
    with pytest.raises(DamagedInput, match=told.format(name=file)):
        check_inputs(store, spec, RULES["split_corpus"].kind_of, unremembered(), "split")


def test_swapped_weights_of_two_adapters_are_seen(store):
    direction = put(store, "extract_direction")
    one, other = (
        put(store, "tune_adapter", files={"adapter_model.bin": bytes([seed]) * 99}, seed=seed)
        for seed in (1, 2)
    )
    shutil.move(one.folder / "adapter_model.bin", store.root / "kept")
    shutil.move(other.folder / "adapter_model.bin", one.folder)
    shutil.move(store.root / "kept", other.folder / "adapter_model.bin")
    for adapter in (one, other):
        spec = spec_of(
            RULES["measure_adapter"],
            {"adapter": adapter.spec.digest, "direction": direction.spec.digest},
        )
        with pytest.raises(DamagedInput, match=rf"{adapter.spec.digest}.*adapter_model\.bin"):
            check_inputs(store, spec, RULES["measure_adapter"].kind_of, unremembered(), "measure")


@pytest.mark.parametrize("text", [b"", b"{}", b"\xff\xfe{", b"[" * 5000, b'{"format": 2}', b"null"])
def test_a_manifest_that_is_none_is_told_as_the_inputs(text, store):
    given = put(store, "read_corpus")
    (given.folder / MANIFEST).write_bytes(text)
    spec = spec_of(RULES["split_corpus"], {"corpus.a": given.spec.digest})
    with pytest.raises(DamagedInput, match=rf"corpus\.a .*{MANIFEST}: .*safebasin redo"):
        check_inputs(store, spec, RULES["split_corpus"].kind_of, unremembered(), "split")


def test_an_input_that_is_not_there_is_told(store):
    spec = spec_of(RULES["split_corpus"], {"corpus.a": "0" * 16})
    with pytest.raises(RequestError, match=r"corpus\.a \(corpus 0{16}\) is not in"):
        check_inputs(store, spec, RULES["split_corpus"].kind_of, unremembered(), "split")


def test_an_input_made_from_other_bytes_than_its_own_input_has_now_is_refused(store):
    source = put(store, "fetch_source")
    corpus = put(store, "read_corpus", {"source": source})
    as_of_before(source)
    spec = spec_of(RULES["split_corpus"], {"corpus.a": corpus.spec.digest})
    with pytest.raises(DamagedInput, match="was made from other bytes of its source"):
        check_inputs(store, spec, RULES["split_corpus"].kind_of, unremembered(), "split")


def a_split(store: Store, monkeypatch: pytest.MonkeyPatch, work: Callable[[Job], None]) -> Request:
    """Return what asks for a split of a small corpus; the step does ``work``."""
    corpus = put(store, "read_corpus")
    step = importlib.import_module("safebasin.steps.split_corpus")
    monkeypatch.setattr(step, "run", work)
    monkeypatch.setattr(step, "FILES", ("*.bin",))
    spec = Spec(kind="split", inputs={"corpus.a": corpus.spec.digest})
    return Request(step="split_corpus", spec=spec, store=store)


def write(job: Job, data: bytes = b"rows") -> None:
    (job.folder / "rows.bin").write_bytes(data)


def test_the_manifest_records_the_bytes_that_were_read_and_the_spec_does_not(store, monkeypatch):
    request = a_split(store, monkeypatch, write)
    run_step(request)
    made = store.find(request.spec)
    assert made is not None
    assert made.inputs == {"corpus.a": next(store.artifacts("corpus")).manifest}
    assert "inputs" in made.spec.as_json()
    assert made.spec == request.spec


@pytest.mark.parametrize("damage", [flip, truncate, remove], ids=["flip", "truncate", "remove"])
def test_an_input_that_changes_while_the_step_reads_it_is_not_published_from(
    damage, store, monkeypatch
):
    def work(job: Job) -> None:
        write(job)
        damage(job.input("corpus.a") / "one.bin")

    request = a_split(store, monkeypatch, work)
    with pytest.raises(DamagedInput, match=r"one\.bin"):
        run_step(request)
    assert store.find(request.spec) is None


def test_an_input_that_is_replaced_while_the_step_reads_it_is_not_published_from(
    store, monkeypatch
):
    def work(job: Job) -> None:
        write(job)
        as_of_before(read_artifact(job.input("corpus.a")))

    request = a_split(store, monkeypatch, work)
    with pytest.raises(DamagedInput, match="was replaced while the step read it; start again"):
        run_step(request)
    assert store.find(request.spec) is None


def test_an_input_whose_rights_or_links_change_meanwhile_is_the_same(store, monkeypatch):
    def work(job: Job) -> None:
        write(job)
        os.link(job.input("corpus.a") / "one.bin", store.root / "another name")
        (job.input("corpus.a") / "one.bin").chmod(0o600)

    assert run_step(a_split(store, monkeypatch, work))


def test_work_begun_from_other_bytes_of_an_input_is_not_taken_up(store, monkeypatch):
    found: list[list[str]] = []

    def work(job: Job) -> None:
        found.append(sorted(path.name for path in job.state.glob("*")))
        job.state.mkdir(exist_ok=True)
        (job.state / "state.bin").write_bytes(b"half")
        if len(found) < 3:
            raise KeyboardInterrupt
        write(job)

    request = a_split(store, monkeypatch, work)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            run_step(request)
    as_of_before(next(store.artifacts("corpus")))
    run_step(request)
    assert found == [[], ["state.bin"], []]
    assert {path.name for path in (store.root / ".scratch").iterdir()} == set()


def test_a_file_is_hashed_once_and_not_once_a_job(store, monkeypatch):
    hashed: list[Path] = []
    memory = importlib.import_module("safebasin.store.hash_memory")
    really = memory.hash_file
    monkeypatch.setattr(memory, "hash_file", lambda path: hashed.append(path) or really(path))
    monkeypatch.setattr(memory, "SETTLED", -(10**18))
    request = a_split(store, monkeypatch, write)
    run_step(request)
    corpus: Artifact = next(store.artifacts("corpus"))
    other = Spec(kind="split", params={"again": 1}, inputs={"corpus.a": corpus.spec.digest})
    run_step(Request(step="split_corpus", spec=other, store=store))
    assert sorted(path.name for path in hashed) == ["one.bin", "two.bin"]
