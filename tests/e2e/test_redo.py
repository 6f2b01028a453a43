"""A damaged artifact of a finished study: the run refuses it, and ``safebasin redo`` cures it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from safebasin.cli import main
from safebasin.store.artifact import MANIFEST, manifest_text, read_artifact
from safebasin.store.store import Store
from safebasin.study.graph import Graph
from safebasin.workflow import open_workflow

from ..workflow import ROOT, SMOKE, jobs_run, lay_out, manifests, snakemake

STUDY = ("--configfile", str(SMOKE))
VERDICTS = "verdicts/requests/tiny/words/n32/p0.25/sft/s0"


@pytest.fixture
def folder(smoke_folder: Path, tmp_path: Path) -> Path:
    """A working directory with the finished study's store, and its results."""
    copy = lay_out(tmp_path / "copy")
    shutil.copytree(smoke_folder / "store", copy / "store", copy_function=shutil.copy2)
    snakemake(copy, *STUDY)
    return copy


@pytest.fixture(scope="module")
def graph() -> Graph:
    return open_workflow([ROOT / SMOKE]).graph


def redo(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    with pytest.raises(SystemExit) as ended:
        main(["redo", name, "--config", str(SMOKE)])
    assert not ended.value.code


def home(folder: Path, graph: Graph, name: str) -> Path:
    node = graph.by_name(name)
    assert node is not None
    return folder / "store" / node.kind / node.digest


def test_swapped_weights_stop_the_run_that_would_use_them_and_redo_cures_it(
    folder, graph, monkeypatch
):
    before = manifests(folder / "store")
    one, other = (
        home(folder, graph, f"adapter/tiny/words/n32/p0.25/{method}/s0")
        for method in ("sft", "asft-λ1")
    )
    kept = (one / "adapter_model.safetensors").read_bytes()
    (one / "adapter_model.safetensors").write_bytes(
        (other / "adapter_model.safetensors").read_bytes()
    )
    (other / "adapter_model.safetensors").write_bytes(kept)
    redo(folder, "measure/tiny/words/n32/p0.25/sft/s0", monkeypatch)
    told = snakemake(folder, *STUDY, check=False)
    assert jobs_run(told) == []
    (log,) = (folder / "logs" / "measure_adapter").glob("*.log")
    for said in ("its input adapter", one.name, "adapter_model.safetensors", "safebasin redo"):
        assert said in log.read_text()
    assert "Traceback" not in log.read_text()
    for adapter in (one, other):
        redo(folder, adapter.name, monkeypatch)
    told = snakemake(folder, *STUDY)
    assert {
        path: text for path, text in manifests(folder / "store").items() if "report" not in path
    } == {path: text for path, text in before.items() if "report" not in path}
    assert "Nothing to be done" in snakemake(folder, *STUDY)


def test_what_was_made_from_other_bytes_is_refused_until_it_is_asked_for(
    folder, graph, monkeypatch
):
    place = home(folder, graph, VERDICTS)
    artifact = read_artifact(place)
    older = manifest_text(artifact.spec, artifact.files, form=1)
    (place / MANIFEST).write_text(older, encoding="utf-8")
    told = snakemake(folder, *STUDY, check=False)
    assert jobs_run(told) == []
    assert "was made from other bytes" in told
    assert f"`safebasin redo {graph.evaluation}`" in told
    assert "Traceback" not in told
    assert "was made from other bytes" in snakemake(folder, *STUDY, "--dry-run")
    redo(folder, "evaluation", monkeypatch)
    told = snakemake(folder, *STUDY)
    assert "other bytes" not in told
    evaluation = Store(folder / "store").get("evaluation", str(graph.evaluation))
    assert evaluation is not None
    assert read_artifact(place).manifest in evaluation.inputs.values()
    assert "Nothing to be done" in snakemake(folder, *STUDY)
