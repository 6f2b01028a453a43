"""List the artifacts of a study by readable name: state, size, time it took."""

from __future__ import annotations

import argparse
import json

from safebasin.commands.study_arguments import add_study, workflow_of
from safebasin.errors import DamagedInput
from safebasin.store.artifact import Artifact
from safebasin.store.redo import is_asked
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
        print(f"{row['state']:<8} {size} {took}  {row['kind']}/{row['digest']}  {row['name']}")
    print(f"{len(rows)} artifacts, {sum(row['state'] != 'made' for row in rows)} not made yet")
    return 0


def _describe(workflow: Workflow, node: Node, missing: set[str]) -> dict[str, object]:
    artifact, state = _look(workflow, node)
    run_record = (artifact.run() if artifact else None) or {}
    blocked = any(digest in missing for digest in node.spec.inputs.values())
    seconds = run_record.get("seconds")
    return {
        "name": node.name,
        "kind": node.kind,
        "rule": node.rule,
        "digest": node.digest,
        "state": state or ("waits" if blocked else "ready"),
        "bytes": artifact.size if artifact else None,
        "seconds": float(seconds) if isinstance(seconds, int | float) else None,
        "finished": run_record.get("finished"),
        "folder": str(artifact.folder) if artifact else None,
    }


def _look(workflow: Workflow, node: Node) -> tuple[Artifact | None, str | None]:
    """Return the artifact and its state, as far as there is one."""
    try:
        artifact = workflow.store.find(node.spec)
    except DamagedInput:
        return None, "damaged"
    if artifact is None:
        return None, None
    return artifact, "redo" if is_asked(workflow.store, node.digest) else "made"
