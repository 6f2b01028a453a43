"""``safebasin redo`` and the other commands on a store that is not as it was written."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from safebasin.cli import main
from safebasin.store.artifact import MANIFEST, hash_manifest
from safebasin.store.publish import publish
from safebasin.store.redo import is_asked
from safebasin.store.store import Store
from safebasin.study.graph import Graph, Node
from safebasin.workflow import open_workflow

ROOT = Path(__file__).resolve().parents[2]
SMOKE = ROOT / "studies" / "smoke.yaml"
STUDY = ("--config", str(SMOKE))


@pytest.fixture(scope="module")
def graph() -> Graph:
    kept = Path.cwd()
    os.chdir(ROOT)
    try:
        return open_workflow([SMOKE]).graph
    finally:
        os.chdir(kept)


@pytest.fixture(scope="module")
def whole(graph: Graph, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with an artifact for each node, whose files mean nothing."""
    store = Store(tmp_path_factory.mktemp("whole") / "store")
    for node in graph:
        scratch = store.scratch(node.digest)
        scratch.mkdir(parents=True)
        (scratch / "file").write_text(node.name)
        told = {
            role: hash_manifest(store.home(each.kind, each.digest))
            for role, each in graph.parents(node).items()
        }
        publish(store, node.spec, ["*"], {"seconds": 1.0}, told)
    return store.root


@pytest.fixture
def store(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A copy of it, which commands take for theirs."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("SAFEBASIN_STORE", str(tmp_path / "store"))
    return Store(shutil.copytree(whole, tmp_path / "store"))


def named(graph: Graph, name: str) -> Node:
    node = graph.by_name(name)
    assert node is not None
    return node


def run(capsys, *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    told = capsys.readouterr()
    return int(ended.value.code or 0), told.out, told.err


@pytest.mark.parametrize("form", ["name", "digest", "kind/digest", "begin", "kind/begin"])
def test_an_artifact_is_told_by_name_digest_or_how_it_begins(form, graph, store, capsys):
    node = named(graph, "direction/tiny")
    told = {
        "name": node.name,
        "digest": node.digest,
        "kind/digest": f"direction/{node.digest}",
        "begin": node.digest[:6],
        "kind/begin": f"direction/{node.digest[:6]}",
    }[form]
    code, out, _ = run(capsys, "redo", told, *STUDY)
    assert code == 0
    assert f"direction/{node.digest}  direction/tiny" in out
    assert f"snakemake --cores N --configfile {SMOKE}" in out
    assert is_asked(store, node.digest)


def test_what_follows_is_said_beforehand(graph, store, capsys):
    _, out, _ = run(capsys, "redo", "direction/tiny", *STUDY, "--dry-run")
    following = {line.split("  ")[-1] for line in out.splitlines() if line.startswith("  ")}
    assert {"evaluation", "report", "adapter/tiny/words/n32/p0.25/asft-λ1/s0"} <= following
    assert "adapter/tiny/words/n32/p0.25/sft/s0" not in following
    assert "corpus/words" not in following


def test_a_dry_run_asks_for_nothing(store, capsys):
    before = sorted(store.root.rglob("*"))
    code, out, _ = run(capsys, "redo", "direction/tiny", *STUDY, "-n")
    assert code == 0
    assert "nothing was asked" in out
    assert sorted(store.root.rglob("*")) == before


def test_what_was_asked_can_be_taken_back(graph, store, capsys):
    run(capsys, "redo", "direction/tiny", "report", *STUDY)
    code, out, _ = run(capsys, "redo", "direction/tiny", "corpus/words", *STUDY, "--cancel")
    assert code == 0
    assert "no longer asked for: direction/" in out
    assert "it was not asked for: corpus/" in out
    assert not is_asked(store, named(graph, "direction/tiny").digest)
    assert is_asked(store, named(graph, "report").digest)


def test_what_one_user_of_a_shared_store_asked_for_another_may_answer(graph, store, capsys):
    store.root.chmod(0o2775)
    kept = os.umask(0o022)
    try:
        code, *_ = run(capsys, "redo", "report", *STUDY)
    finally:
        os.umask(kept)
    assert code == 0
    (note,) = (store.root / ".redo").iterdir()
    for path in (note, note.parent):
        assert path.stat().st_mode & 0o060 == 0o060


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("direction/tniy", "did you mean 'direction/tiny'?"),
        ("0000000000000000", "the study has no artifact '0000000000000000'"),
        ("0", "the study has no artifact '0'"),
        ("", "the study has no artifact ''"),
    ],
)
def test_an_unknown_name_ends_in_one_message(name, said, store, capsys):
    code, out, err = run(capsys, "redo", name, *STUDY)
    assert code == 2
    assert said in err
    assert out == ""


def test_what_is_not_made_yet_is_not_asked_for(graph, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    code, _, err = run(capsys, "redo", "report", *STUDY, "--store", str(tmp_path))
    assert code == 2
    assert "not made yet, so the next run makes it anyway: report" in err


def test_a_store_that_cannot_be_written_ends_in_one_message(store, capsys):
    (store.root / ".redo").touch()
    code, _, err = run(capsys, "redo", "report", *STUDY)
    assert code == 4
    assert "cannot be written" in err


@pytest.mark.parametrize("text", [b"\xff\xfe", b"", b"[]", b"[" * 9999, b"\xc3("])
def test_with_a_broken_manifest_every_command_goes_on_or_ends_in_one_message(
    text, graph, store, capsys
):
    broken = named(graph, "direction/tiny")
    (store.home("direction", broken.digest) / MANIFEST).write_bytes(text)
    code, out, _ = run(capsys, "show", *STUDY, "--json")
    states = {row["name"]: row["state"] for row in json.loads(out)}
    assert code == 0
    assert states.pop("direction/tiny") == "damaged"
    assert set(states.values()) == {"made"}
    assert run(capsys, "explain", "report", *STUDY)[0] == 0
    assert run(capsys, "check", *STUDY)[0] == 0
    code, out, _ = run(capsys, "verify", "--downstream")
    assert code == 3
    assert out.startswith(f"direction/{broken.digest}/{MANIFEST}: ")
    assert "1 damaged, in 1 of" in out
    assert run(capsys, "redo", "direction/tiny", *STUDY)[0] == 0


def test_results_show_no_damaged_table(graph, store, capsys, monkeypatch, tmp_path):
    (store.home("evaluation", str(graph.evaluation)) / "file").write_text("other numbers")
    lock = (ROOT / "sources.lock.yaml").read_bytes()
    (tmp_path / "sources.lock.yaml").write_bytes(lock)
    monkeypatch.chdir(tmp_path)
    code, _, err = run(capsys, "results", *STUDY)
    assert code == 3
    assert "is damaged: file: SHA-256" in err
    assert not (tmp_path / "results" / "smoke" / "file").exists()


@pytest.mark.parametrize("place", ["file", "figures", "adapters"])
@pytest.mark.parametrize(
    "what", ["a hard link", "a link", "a link to nothing", "a file", "a folder"]
)
def test_results_take_the_place_of_what_is_there_and_write_through_no_link(
    what, place, graph, store, capsys, monkeypatch, tmp_path
):
    """Tools that find equal files make such links; so does a user who wants figures elsewhere."""
    (tmp_path / "sources.lock.yaml").write_bytes((ROOT / "sources.lock.yaml").read_bytes())
    monkeypatch.chdir(tmp_path)
    there = tmp_path / "results" / "smoke" / place
    there.parent.mkdir(parents=True)
    inside = store.home("direction", named(graph, "direction/tiny").digest)
    if what == "a hard link":
        there.hardlink_to(inside / "file")
    elif what == "a link":
        there.symlink_to(inside / "file" if place == "file" else inside)
    elif what == "a link to nothing":
        there.symlink_to(tmp_path / "nothing")
    elif what == "a file":
        there.write_text("mine")
    else:
        (there / "deep").mkdir(parents=True)
    assert run(capsys, "results", *STUDY)[0] == 0
    assert there.is_dir() == (place != "file")
    assert not there.is_symlink()
    assert (there.parent / "file").read_text() == "report"
    assert not (tmp_path / "nothing").exists()
    assert run(capsys, "verify")[0] == 0
    left = [each.name for each in there.parent.iterdir()]
    assert sorted(left) == [".linked", "adapters", "artifacts.txt", "figures", "file"]


def test_verify_looks_at_a_studys_own_artifacts_alone_where_one_is_named(store, graph, capsys):
    other = store.root / "corpus" / ("0" * 16)
    other.mkdir()
    (other / "artifact.json").write_text("{}")
    assert run(capsys, "verify")[0] == 3
    code, told, _ = run(capsys, "verify", *STUDY)
    assert code == 0
    assert "all as written" in told
    node = next(each for each in graph if store.home(each.kind, each.digest).is_dir())
    (store.home(node.kind, node.digest) / "artifact.json").write_text("{}")
    assert run(capsys, "verify", *STUDY)[0] == 3
