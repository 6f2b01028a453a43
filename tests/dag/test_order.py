"""What waits for what beyond its inputs: no GPU trains on a pair before its shapes are compared."""

from __future__ import annotations

import re
from pathlib import Path

from safebasin.study.graph import Graph
from safebasin.workflow import open_workflow

from ..workflow import ROOT, SMOKE, lay_out, snakemake


def waits(folder: Path) -> dict[str, set[str]]:
    """Return digest of a job to the digests of the jobs that come before it, as Snakemake has it."""
    told = snakemake(folder, "--configfile", str(SMOKE), "--dag")
    label = r'^\s*(\d+)\[label = ".*digest: ([0-9a-f]{16})'
    digests = dict(re.findall(label, told, flags=re.M))
    before: dict[str, set[str]] = {digest: set() for digest in digests.values()}
    for first, then in re.findall(r"^\s*(\d+) -> (\d+)$", told, flags=re.M):
        if first in digests and then in digests:
            before[digests[then]].add(digests[first])
    return before


def smoke() -> Graph:
    return open_workflow([ROOT / SMOKE], lock=ROOT / "sources.lock.yaml").graph


def test_every_tuning_waits_for_the_direction_of_its_pair(tmp_path):
    before, graph = waits(lay_out(tmp_path / "study")), smoke()
    (direction,) = graph.of_rule("extract_direction")
    tunings = graph.of_rule("tune_adapter")
    assert {"direction" in node.spec.inputs for node in tunings} == {True, False}
    for node in tunings:
        assert before[node.digest] == {*node.spec.inputs.values(), direction.digest}, node.name


def test_a_tuning_that_is_done_waits_for_nothing(inside):
    before, graph = waits(inside), smoke()
    for node in graph.of_rule("tune_adapter"):
        assert before[node.digest] == set(node.spec.inputs.values()), node.name


def test_a_direction_that_is_made_again_tunes_nothing_that_does_not_read_it(inside):
    told = snakemake(
        inside, "--dry-run", "--configfile", str(SMOKE), "--forcerun", "extract_direction"
    )
    assert "extract direction/tiny" in told
    tuned = {node.name: "direction" in node.spec.inputs for node in smoke().of_rule("tune_adapter")}
    assert {name: f"tune {name}" in told for name in tuned} == tuned
