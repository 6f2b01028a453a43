"""List the artifacts of a study by readable name: state, size, time it took."""

from __future__ import annotations

import argparse
import json

from safebasin.commands.study_arguments import add_study, workflow_of
from safebasin.study.graph import Node
from safebasin.workflow import Workflow


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_study(parser)
    parser.add_argument("--kind", help="only artifacts of this kind, such as adapter")
    parser.add_argument("--json", action="store_true", help="print a JSON list")


def run(options: argparse.Namespace) -> int:
    """Print a line, or an object, for each artifact."""
    workflow = workflow_of(options)
    missing = set(workflow.missing())
    rows = [
        _describe(workflow, node, missing)
        for node in workflow.graph
        if options.kind in (None, node.kind)
    ]
    if options.json:
        print(json.dumps(rows, indent=1))
        return 0
    for row in rows:
        size = f"{row['bytes'] / 1e6:9.2f} MB" if isinstance(row["bytes"], int) else " " * 12
        took = f"{row['seconds']:8.1f} s" if isinstance(row["seconds"], float) else " " * 10
        label = f" ({row['label']})" if row["label"] else ""
        place = f"{row['kind']}/{row['digest']}"
        print(f"{row['state']:<8} {size} {took}  {place}  {row['name']}{label}")
    print(f"{len(rows)} artifacts, {sum(row['state'] != 'made' for row in rows)} not made yet")
    return 0


def _describe(workflow: Workflow, node: Node, missing: set[str]) -> dict[str, object]:
    artifact = workflow.store.find(node.spec)
    run_record = (artifact.run() if artifact else None) or {}
    blocked = any(digest in missing for digest in node.spec.inputs.values())
    seconds = run_record.get("seconds")
    return {
        "name": node.name,
        "label": _label(workflow, node),
        "kind": node.kind,
        "rule": node.rule,
        "digest": node.digest,
        "state": "made" if artifact else "waits" if blocked else "ready",
        "bytes": artifact.size if artifact else None,
        "seconds": float(seconds) if isinstance(seconds, int | float) else None,
        "finished": run_record.get("finished"),
        "folder": str(artifact.folder) if artifact else None,
    }


def _label(workflow: Workflow, node: Node) -> str | None:
    """Return what people call a checkpoint of the study."""
    kind, _, name = node.name.partition("/")
    checkpoint = workflow.study.checkpoints.get(name) if kind == "checkpoint" else None
    return checkpoint.label if checkpoint else None
