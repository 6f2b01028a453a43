"""What is asked for is made again, what follows only where bytes change, and nothing is lost."""

from __future__ import annotations

import errno
import importlib
import json
import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from safebasin.errors import DamagedInput
from safebasin.run_step import Request, run_step
from safebasin.steps.job import Job
from safebasin.store import made_from
from safebasin.store.artifact import MANIFEST, Artifact, read_artifact
from safebasin.store.receipts import lay_receipts, receipt_path, write_receipt
from safebasin.store.redo import answer, ask, is_asked, withdraw
from safebasin.store.spec import Spec
from safebasin.store.standing import standing
from safebasin.store.store import Store
from safebasin.store.verify import verify

from .made import as_of_before, flip, put

CHAIN = {
    "write_demonstrations": "",
    "tune_adapter": "mixture",
    "generate_responses": "adapter",
}
"""Three steps, each with the role that the one before plays in it."""


class Line:
    """A store with three artifacts, each made from the one before by a step that tests decide."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.store = Store(root)
        self.ran: list[str] = []
        self.writes = dict.fromkeys(CHAIN, b"bytes")
        self.fails: set[str] = set()
        self.specs: dict[str, Spec] = {}
        before = None
        for name, role in CHAIN.items():
            step = importlib.import_module(f"safebasin.steps.{name}")
            monkeypatch.setattr(step, "run", lambda job, name=name: self.work(name, job))
            monkeypatch.setattr(step, "FILES", ("*.bin",))
            monkeypatch.setattr("safebasin.run_step._check_code", lambda step, spec: None)
            kind = importlib.import_module("safebasin.store.kinds").RULES[name].kind
            inputs = {role: before.digest} if before else {}
            self.specs[name] = before = Spec(kind=kind, code=f"{name}/1", inputs=inputs)

    def work(self, name: str, job: Job) -> None:
        self.ran.append(name)
        (job.folder / "made.bin").write_bytes(self.writes[name])
        if name in self.fails:
            raise KeyboardInterrupt

    def run(self, names: Iterable[str] = CHAIN) -> list[str]:
        """Run the steps as Snakemake would; return those that did work."""
        self.ran.clear()
        for name in names:
            run_step(Request(step=name, spec=self.specs[name], store=self.store))
        return list(self.ran)

    def artifact(self, name: str) -> Artifact:
        found = self.store.find(self.specs[name])
        assert found is not None
        return found

    def redo(self, name: str) -> None:
        ask(self.store, self.specs[name].kind, self.specs[name].digest)

    def receipts(self, directory: Path) -> tuple[list[str], list[str]]:
        """Lay receipts; return the steps that have one, and what is refused."""
        wanted = [(spec.kind, spec.digest) for spec in self.specs.values()]
        refused = lay_receipts(self.store, wanted, directory)
        paths = {name: receipt_path(spec.kind, spec.digest) for name, spec in self.specs.items()}
        return [name for name, path in paths.items() if (directory / path).exists()], refused


FIRST, SECOND, THIRD = CHAIN


@pytest.fixture
def line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Line:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made = Line(tmp_path / "store", monkeypatch)
    assert made.run() == list(CHAIN)
    return made


def test_made_again_with_the_same_bytes_what_follows_stays(line):
    before = {name: line.artifact(name).folder.stat().st_ino for name in CHAIN}
    line.redo(FIRST)
    assert line.run() == [FIRST]
    after = {name: line.artifact(name).folder.stat().st_ino for name in CHAIN}
    assert [name for name in CHAIN if before[name] != after[name]] == [FIRST]
    assert line.run() == []


def test_made_again_with_other_bytes_what_follows_is_made_again(line):
    line.writes[FIRST] = b"others"
    line.redo(FIRST)
    assert line.run() == list(CHAIN)
    assert list(verify(line.store, downstream=True)) == []
    assert line.run() == []


def test_what_comes_before_and_beside_stays(line):
    line.writes[SECOND] = b"others"
    line.redo(SECOND)
    assert line.run() == [SECOND, THIRD]


@pytest.mark.parametrize("damage", ["bytes", "manifest", "no manifest", "not UTF-8"])
@pytest.mark.parametrize("again", [b"bytes", b"others"], ids=["the same", "others"])
def test_it_cures_every_damage(damage, again, line):
    folder = line.artifact(FIRST).folder
    if damage == "bytes":
        flip(folder / "made.bin")
    elif damage == "manifest":
        flip(folder / MANIFEST, 90)
    elif damage == "no manifest":
        (folder / MANIFEST).unlink()
    else:
        (folder / MANIFEST).write_bytes(b"\xff")
    line.redo(FIRST)
    line.writes[FIRST] = again
    assert line.run() == ([FIRST] if again == b"bytes" else list(CHAIN))
    assert list(verify(line.store, downstream=True)) == []


@pytest.mark.parametrize("failing", CHAIN)
def test_interrupted_at_any_step_nothing_is_lost_and_the_next_run_goes_on(failing, line, tmp_path):
    line.writes = dict.fromkeys(CHAIN, b"others")
    line.redo(FIRST)
    line.fails = {failing}
    with pytest.raises(KeyboardInterrupt):
        line.run()
    kept = line.artifact(failing)
    assert (kept.folder / "made.bin").read_bytes() == b"bytes"
    assert list(verify(line.store)) == []

    line.fails = set()
    laid, refused = line.receipts(tmp_path)
    rest = list(CHAIN)[list(CHAIN).index(failing) :]
    assert refused == []
    assert [name for name in CHAIN if name not in laid] == rest
    assert line.run() == rest
    assert list(verify(line.store, downstream=True)) == []
    assert line.receipts(tmp_path) == (list(CHAIN), [])


@pytest.mark.parametrize(
    "moment",
    [
        "safebasin.store.publish.earlier_manifest",
        "safebasin.run_step.answer",
        "safebasin.run_step.end",
        "safebasin.store.redo._forget",
    ],
)
@pytest.mark.parametrize("step", CHAIN)
def test_killed_around_its_publishing_what_follows_still_follows(
    moment, step, line, monkeypatch, tmp_path
):
    def kill(*_: object) -> None:
        raise KeyboardInterrupt

    line.writes = dict.fromkeys(CHAIN, b"others")
    line.redo(FIRST)
    before = list(CHAIN)[: list(CHAIN).index(step)]
    assert line.run(before) == before
    with monkeypatch.context() as patch:
        patch.setattr(moment, kill)
        with pytest.raises(KeyboardInterrupt):
            line.run([step])
    assert list(verify(line.store)) == []
    assert line.receipts(tmp_path)[1] == []
    line.run()
    assert [line.artifact(name).folder.joinpath("made.bin").read_bytes() for name in CHAIN] == [
        b"others"
    ] * 3
    assert list(verify(line.store, downstream=True)) == []


def test_killed_between_its_two_renames_the_old_one_is_put_back(line, monkeypatch, tmp_path):
    real = Path.rename

    def rename(path: Path, target: Path) -> Path:
        if path.parent.name == ".scratch" and Path(target).parent.name == "mixture":
            raise KeyboardInterrupt
        return real(path, target)

    line.redo(FIRST)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", rename)
        with pytest.raises(KeyboardInterrupt):
            line.run([FIRST])
    assert line.store.find(line.specs[FIRST]) is None
    withdraw(line.store, line.specs[FIRST].kind, line.specs[FIRST].digest)
    assert line.run() == []
    assert (line.artifact(FIRST).folder / "made.bin").read_bytes() == b"bytes"
    assert list(verify(line.store, downstream=True)) == []


@pytest.mark.parametrize("step", CHAIN)
def test_cancelled_after_a_kill_what_was_replaced_already_is_followed(
    step, line, monkeypatch, tmp_path
):
    def kill(*_: object) -> None:
        raise KeyboardInterrupt

    line.writes = dict.fromkeys(CHAIN, b"others")
    line.redo(FIRST)
    line.run(list(CHAIN)[: list(CHAIN).index(step)])
    with monkeypatch.context() as patch:
        patch.setattr("safebasin.run_step.answer", kill)
        with pytest.raises(KeyboardInterrupt):
            line.run([step])
    withdraw(line.store, line.specs[step].kind, line.specs[step].digest)
    assert line.receipts(tmp_path)[1] == []
    assert line.run() == list(CHAIN)[list(CHAIN).index(step) + 1 :]
    assert list(verify(line.store, downstream=True)) == []


def test_what_is_cancelled_before_anything_was_made_leaves_no_note(line):
    line.redo(FIRST)
    withdraw(line.store, line.specs[FIRST].kind, line.specs[FIRST].digest)
    assert list((line.store.root / ".redo").iterdir()) == []


def test_of_two_inputs_the_one_that_nobody_asked_for_is_named(tmp_path):
    store = Store(tmp_path / "store")
    made = {"direction": put(store, "extract_direction"), "adapter": put(store, "tune_adapter")}
    reader = put(store, "measure_adapter", made)
    for role, rule in {"direction": "extract_direction", "adapter": "tune_adapter"}.items():
        if role == "adapter":
            ask(store, role, made[role].spec.digest)
        else:
            shutil.rmtree(made[role].folder)
        again = put(store, rule, files={"one.bin": b"others"})
        answer(store, again)
    wanted = [(each.spec.kind, each.spec.digest) for each in (*made.values(), reader)]
    for told in ("".join(lay_receipts(store, wanted, tmp_path)), refusal(store, reader.spec)):
        assert "other bytes of its direction" in told
        assert "other bytes of its adapter" not in told


def refusal(store: Store, spec: Spec) -> str:
    with pytest.raises(DamagedInput) as refused:
        standing(store, spec, lambda _: None)
    return str(refused.value)


def test_what_is_answered_while_one_looks_is_followed(line, monkeypatch):
    def kill(*_: object) -> None:
        raise KeyboardInterrupt

    line.writes[FIRST] = b"others"
    line.redo(FIRST)
    with monkeypatch.context() as patch:
        patch.setattr("safebasin.run_step.answer", kill)
        with pytest.raises(KeyboardInterrupt):
            line.run([FIRST])
    made = line.artifact(FIRST)

    def then_answer(look: Callable[..., bool]) -> Callable[..., bool]:
        def found(*told: object) -> bool:
            seen = look(*told)
            answer(line.store, made)
            return seen

        return found

    for name in ("is_asked", "was_redone"):
        monkeypatch.setattr(made_from, name, then_answer(getattr(made_from, name)))
    (other,) = made_from.made_from_other_bytes(line.store, line.artifact(SECOND))
    assert other.follows


def lower_layer(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """Let folders of artifacts be as those in a lower layer of an overlay: none can be renamed."""
    real = Path.rename

    def rename(path: Path, target: Path) -> Path:
        if path.parent.name == kind:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), str(path), None, str(target))
        return real(path, target)

    monkeypatch.setattr(Path, "rename", rename)


@pytest.mark.parametrize("damage", ["none", "no manifest"])
def test_an_artifact_that_came_with_an_image_is_made_again_like_any_other(
    damage, line, monkeypatch
):
    if damage == "no manifest":
        (line.artifact(FIRST).folder / MANIFEST).unlink()
    line.writes[FIRST] = b"others"
    line.redo(FIRST)
    lower_layer(monkeypatch, "mixture")
    assert line.run() == list(CHAIN)
    assert list(verify(line.store, downstream=True)) == []
    assert list((line.store.root / ".scratch").iterdir()) == []


@pytest.mark.parametrize("moment", ["copytree", "rmtree"])
def test_killed_while_it_is_copied_aside_the_old_one_is_there_or_put_back(
    moment, line, monkeypatch
):
    real, home = getattr(shutil, moment), line.artifact(FIRST).folder

    def kill(path: Path, *rest: object, **options: object) -> None:
        if Path(path) != home:
            return real(path, *rest, **options)
        if moment == "rmtree":
            (home / "made.bin").unlink()
        raise KeyboardInterrupt

    line.writes[FIRST] = b"others"
    line.redo(FIRST)
    with monkeypatch.context() as patch:
        lower_layer(patch, "mixture")
        patch.setattr(shutil, moment, kill)
        with pytest.raises(KeyboardInterrupt):
            line.run([FIRST])
    withdraw(line.store, line.specs[FIRST].kind, line.specs[FIRST].digest)
    assert line.run() == []
    assert (line.artifact(FIRST).folder / "made.bin").read_bytes() == b"bytes"
    assert list(verify(line.store)) == []


def test_what_nobody_asked_for_is_refused_and_not_made_again(line, tmp_path):
    as_of_before(line.artifact(FIRST))
    with pytest.raises(DamagedInput, match=r"other bytes of its mixture .*`safebasin redo"):
        line.run([SECOND])
    laid, (refused,) = line.receipts(tmp_path)
    assert laid == [FIRST]
    assert line.specs[SECOND].digest in refused
    assert line.ran == []
    line.redo(SECOND)
    assert line.run() == [SECOND, THIRD]
    assert line.receipts(tmp_path) == (list(CHAIN), [])


def test_a_manifest_that_cannot_be_read_is_refused_at_the_start(line, tmp_path):
    (line.artifact(SECOND).folder / MANIFEST).write_bytes(b"\xff\xfe")
    laid, (refused,) = line.receipts(tmp_path)
    assert laid == [FIRST]
    assert str(line.store.home("adapter", line.specs[SECOND].digest) / MANIFEST) in refused
    assert f"`safebasin redo {line.specs[SECOND].digest}`" in refused


def test_what_was_asked_for_has_no_receipt_nor_what_was_made_from_it(line, tmp_path):
    assert line.receipts(tmp_path) == (list(CHAIN), [])
    line.redo(SECOND)
    assert line.receipts(tmp_path) == ([FIRST], [])
    withdraw(line.store, line.specs[SECOND].kind, line.specs[SECOND].digest)
    assert line.receipts(tmp_path) == (list(CHAIN), [])


def test_planning_hashes_no_file_of_an_artifact(line, tmp_path, monkeypatch):
    for place in ("artifact", "examine", "hash_memory"):
        monkeypatch.setattr(
            f"safebasin.store.{place}.hash_file",
            lambda path: pytest.fail(f"{path} was hashed"),
            raising=False,
        )
    line.redo(SECOND)
    line.receipts(tmp_path)


def test_of_an_older_artifact_with_the_same_bytes_the_manifest_stays(line):
    text = (as_of_before(line.artifact(FIRST)) / MANIFEST).read_bytes()
    for name in (SECOND, THIRD):
        as_of_before(line.artifact(name))
    line.redo(FIRST)
    assert line.run() == [FIRST]
    assert (line.artifact(FIRST).folder / MANIFEST).read_bytes() == text
    assert list(verify(line.store, downstream=True)) == []


def test_what_was_made_from_an_older_artifact_follows_where_its_bytes_change(line):
    for name in CHAIN:
        as_of_before(line.artifact(name))
    line.writes[FIRST] = b"others"
    line.redo(FIRST)
    assert line.run() == list(CHAIN)
    assert line.artifact(SECOND).inputs == {"mixture": line.artifact(FIRST).manifest}


def test_looking_whether_an_artifact_stands_writes_nothing(line):
    line.writes[FIRST] = b"others"
    line.redo(FIRST)
    assert line.run([FIRST]) == [FIRST]
    before, told = sorted(line.store.root.rglob("*")), list[str]()
    assert standing(line.store, line.specs[SECOND], told.append) is None
    assert sorted(line.store.root.rglob("*")) == before
    assert "that input was made again, and this follows" in told[0]


def test_a_request_is_answered_once(line):
    line.redo(FIRST)
    line.run()
    assert not is_asked(line.store, line.specs[FIRST].digest)
    line.redo(FIRST)
    line.redo(FIRST)
    assert line.run() == [FIRST]


def test_the_receipt_is_a_copy_of_the_manifest_with_its_inputs(line, tmp_path):
    artifact = line.artifact(SECOND)
    write_receipt(line.store, "adapter", artifact.spec.digest, tmp_path / "receipt.json")
    assert (tmp_path / "receipt.json").read_bytes() == (artifact.folder / MANIFEST).read_bytes()
    told = json.loads((tmp_path / "receipt.json").read_text())
    assert told["inputs"] == {"mixture": line.artifact(FIRST).manifest}
    assert read_artifact(artifact.folder) == artifact
