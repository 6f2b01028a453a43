"""Copy and link a study's results to ``results/<study>/``, under readable names."""

from __future__ import annotations

import argparse
import os
import shutil
from pathlib import Path

from safebasin.commands.study_arguments import add_study, workflow_of
from safebasin.errors import RequestError
from safebasin.resume.durable import discard
from safebasin.store.artifact import Artifact, hash_file
from safebasin.store.inputs import check_bytes
from safebasin.store.publish import write_atomically
from safebasin.store.receipts import write_receipt
from safebasin.workflow import Workflow

RESULTS = Path("results")
LINKED = ".linked"
"""The folder below a study's results with the mark, which report they show."""

EXAMPLE = "safebasin results --configfile studies/smoke.yaml"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_study(parser)


def run(options: argparse.Namespace) -> int:
    """Make the folder for people."""
    workflow = workflow_of(options)
    link_results(workflow, Path.cwd())
    print(f"{RESULTS}/{workflow.study.study}/report.html")
    return 0


def link_results(workflow: Workflow, directory: Path) -> Path:
    """Copy the report, its figures and the tables; link the adapters; return the folder.

    What an earlier run left there is replaced. Nothing reads from this folder.

    Raises:
        RequestError: the report is not made yet.
        DamagedInput: a file of the report or of the tables is not as it was written.
    """
    folder = directory / RESULTS / workflow.study.study
    artifacts = _shown(workflow)
    for mark in (folder / LINKED).glob("*.json"):
        mark.unlink()  # until all is there the folder shows no report
    discard(folder / "figures")
    (folder / "figures").mkdir(parents=True)  # the rule declares it, whatever the report draws
    for artifact in artifacts:
        for name in artifact.files:
            _copy(artifact.folder / name, folder / name)
    _link_adapters(workflow, folder / "adapters")
    lines = [f"{node.kind}/{node.digest}  {node.name}" for node in workflow.graph]
    write_atomically(folder / "artifacts.txt", "\n".join(lines) + "\n")
    shown = artifacts[-1]
    mark = folder / LINKED / f"{shown.folder.name}.json"
    write_receipt(workflow.store, shown.spec.kind, shown.folder.name, mark)
    return folder


def _shown(workflow: Workflow) -> list[Artifact]:
    """Return the evaluation and the report.

    Raises:
        RequestError: one is not made yet.
        DamagedInput: a file of one is not as it was written.
    """
    found = []
    for target in (workflow.graph.evaluation, workflow.graph.target):
        assert target is not None, "a planned study has both"
        node = workflow.graph.nodes[target]
        artifact = workflow.store.find(node.spec)
        if artifact is None:
            raise RequestError(f"the {node.kind} {node.digest} is not made yet; run snakemake")
        check_bytes(artifact, hash_file, f"the {node.kind} {node.digest}")
        found.append(artifact)
    return found


def _copy(source: Path, target: Path) -> None:
    """Copy a file to a name of its own first: what stands there may be a link into the store."""
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        shutil.copyfile(source, draft)
        if target.is_dir() and not target.is_symlink():
            discard(target)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def _link_adapters(workflow: Workflow, folder: Path) -> None:
    discard(folder)
    for name, digest in workflow.graph.links.items():
        node = workflow.graph.nodes[digest]
        link = folder / name.removeprefix("adapters/")
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(workflow.store.home(node.kind, digest).resolve())
