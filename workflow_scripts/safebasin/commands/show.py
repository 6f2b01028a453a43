"""List the artifacts of a study by readable name: state, size, time it took."""

from __future__ import annotations

import argparse
import json

from safebasin.commands.study_arguments import add_study, workflow_of
from safebasin.errors import DamagedInput, RequestError
from safebasin.store.artifact import Artifact
from safebasin.store.kinds import KINDS
from safebasin.store.redo import is_asked
from safebasin.study.graph import Node
from safebasin.study.problems import did_you_mean
from safebasin.workflow import Workflow

EXAMPLE = "safebasin show --configfile studies/smoke.yaml --kind adapter"
_COLUMNS = "{:<7}  {:>11}  {:>10}  {:<28}  {}"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_study(parser)
    parser.add_argument("--kind", metavar="KIND", help=f"one kind only: {', '.join(KINDS)}")
    parser.add_argument("--json", action="store_true", help="print a JSON list")


def run(options: argparse.Namespace) -> int:
    """Print a line, or an object, for each artifact.

    Raises:
        RequestError: there is no such kind.
    """
    if options.kind not in (None, *KINDS):
        raise RequestError(
            f"there is no kind {options.kind!r} of artifact; {did_you_mean(options.kind, KINDS)}"
        )
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
    print(_COLUMNS.format("state", "size", "time", "artifact", "name"))
    for row in rows:
        size = f"{row['bytes'] / 1e6:.2f} MB" if isinstance(row["bytes"], int) else ""
        took = f"{row['seconds']:.1f} s" if isinstance(row["seconds"], float) else ""
        place = f"{row['kind']}/{row['digest']}"
        label = f" ({row['label']})" if row["label"] else ""
        print(_COLUMNS.format(str(row["state"]), size, took, place, f"{row['name']}{label}"))
    print(f"{len(rows)} artifacts, {sum(row['state'] != 'made' for row in rows)} not made yet")
    return 0


def _describe(workflow: Workflow, node: Node, missing: set[str]) -> dict[str, object]:
    artifact, state = _look(workflow, node)
    run_record = (artifact.run() if artifact else None) or {}
    blocked = any(digest in missing for digest in node.spec.inputs.values())
    seconds = run_record.get("seconds")
    return {
        "name": node.name,
        "label": _label(workflow, node),
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


def _label(workflow: Workflow, node: Node) -> str | None:
    """Return what people call a checkpoint of the study."""
    kind, _, name = node.name.partition("/")
    checkpoint = workflow.study.checkpoints.get(name) if kind == "checkpoint" else None
    return checkpoint.label if checkpoint else None
