"""Show where an artifact comes from, and why it would be made: what differs from the nearest."""

from __future__ import annotations

import argparse
import json

from safebasin.commands.named import find_artifact
from safebasin.commands.study_arguments import add_study, workflow_of
from safebasin.store.artifact import Artifact
from safebasin.store.kinds import rule_of_code
from safebasin.store.store import Store
from safebasin.study.graph import Node, compare_specs
from safebasin.workflow import Workflow

EXAMPLE = "safebasin explain direction/tiny --configfile studies/smoke.yaml"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "name",
        metavar="NAME",
        help="a readable name (`safebasin show` lists them), a digest, or how one begins",
    )
    add_study(parser)
    parser.add_argument("--json", action="store_true", help="print a JSON object")


def run(options: argparse.Namespace) -> int:
    """Print the lineage, and why the artifact would be made."""
    workflow = workflow_of(options)
    node = find_artifact(workflow.graph, options.name)
    lineage = workflow.graph.ancestors(node)
    reasons = [_reason(workflow, each) for each in lineage]
    if options.json:
        print(json.dumps({"name": node.name, "digest": node.digest, "lineage": reasons}, indent=1))
        return 0
    for each, reason in zip(lineage, reasons, strict=True):
        print(f"{reason['state']:<8} {each.kind}/{each.digest}  {each.name}  [{each.spec.code}]")
        _print_reason(reason)
    return 0


def _print_reason(reason: dict[str, object]) -> None:
    if reason["state"] == "made":
        return
    nearest, differences = reason["nearest"], reason["differences"]
    assert isinstance(differences, list)
    if nearest is None:
        print("           nothing of its kind was made yet")
        return
    print(f"           would be made; nearest is {nearest}, which differs in:")
    for difference in differences:
        print(f"             {difference['field']}: {difference['there']} -> {difference['here']}")


def _reason(workflow: Workflow, node: Node) -> dict[str, object]:
    reason: dict[str, object] = {
        "name": node.name,
        "kind": node.kind,
        "digest": node.digest,
        "spec": node.spec.as_json(),
        "state": "made" if workflow.store.holds(node.kind, node.digest) else "missing",
        "nearest": None,
        "differences": [],
    }
    if reason["state"] == "missing" and (nearest := _nearest(workflow.store, node)):
        reason["nearest"] = nearest.folder.name
        reason["differences"] = [
            {"field": field, "there": there, "here": here}
            for field, there, here in compare_specs(nearest.spec, node.spec)
        ]
    return reason


def _nearest(store: Store, node: Node) -> Artifact | None:
    """Return the artifact of the same rule whose spec differs in the fewest fields."""
    candidates = [
        artifact
        for artifact in store.artifacts(node.kind)
        if rule_of_code(artifact.spec.code) == node.rule
    ]
    return min(
        candidates,
        key=lambda artifact: len(compare_specs(artifact.spec, node.spec)),
        default=None,
    )
