"""What results show is left as it is until there is something else to show."""

from __future__ import annotations

from pathlib import Path

import pytest
from safebasin.commands.results import link_results
from safebasin.errors import RequestError
from safebasin.store.artifact import MANIFEST
from safebasin.store.publish import publish
from safebasin.workflow import open_workflow

from ..workflow import ROOT, SMOKE


def test_a_report_that_is_not_made_yet_takes_nothing_away(tmp_path: Path):
    shown = tmp_path / "results" / "smoke"
    kept = [shown / ".linked" / "a.json", shown / "figures" / "a.svg", shown / "report.html"]
    for path in kept:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    workflow = open_workflow([ROOT / SMOKE], store=tmp_path / "store")
    with pytest.raises(RequestError, match="is not made yet"):
        link_results(workflow, tmp_path)
    assert all(path.is_file() for path in kept)


def test_results_that_a_person_asked_for_leave_snakemake_nothing_to_link(tmp_path: Path):
    workflow = open_workflow([ROOT / SMOKE], store=tmp_path / "store")
    graph, store = workflow.graph, workflow.store
    for digest in (str(graph.evaluation), str(graph.target)):
        scratch = store.scratch(digest)
        scratch.mkdir(parents=True)
        (scratch / f"{digest}.txt").touch()
        inputs = dict.fromkeys(graph.nodes[digest].spec.inputs, "0" * 64)
        publish(store, graph.nodes[digest].spec, ["*"], {"seconds": 1.0}, inputs)
    stale = tmp_path / "results" / "smoke" / ".linked" / "stale.json"
    stale.parent.mkdir(parents=True)
    stale.touch()

    shown = link_results(workflow, tmp_path)

    (mark,) = (shown / ".linked").iterdir()
    assert mark.name == f"{graph.target}.json"
    assert mark.read_bytes() == (store.home("report", mark.stem) / MANIFEST).read_bytes()
