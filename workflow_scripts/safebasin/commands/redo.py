"""Ask for artifacts to be made again, and for what was made from them where that changes a byte.

Nothing is made, moved or deleted at once: the next run of the study makes each of them, and puts it
in the place of the old one when it is whole. Where the new one has the same bytes, what was made
from the old one stays.
"""

from __future__ import annotations

import argparse
import os
import shlex

from safebasin.commands.named import find_artifact
from safebasin.commands.study_arguments import add_study, workflow_of
from safebasin.errors import MachineLacks, RequestError
from safebasin.store.redo import ask, is_asked, withdraw
from safebasin.store.sharing import shared_as
from safebasin.study.graph import Graph, Node
from safebasin.workflow import Workflow

EXAMPLE = "safebasin redo direction/tiny --configfile studies/smoke.yaml"
_SHOWN = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "names",
        metavar="NAME",
        nargs="+",
        help="a readable name (`safebasin show` lists them), a digest, or how one begins",
    )
    add_study(parser)
    parser.add_argument("--dry-run", "-n", action="store_true", help="only say what would be asked")
    parser.add_argument("--cancel", action="store_true", help="take back what was asked")


def run(options: argparse.Namespace) -> int:
    """Say what is made again and what may follow, and ask for it.

    Raises:
        RequestError: the study has no such artifact, or it is not made yet.
        MachineLacks: the store cannot be written.
    """
    workflow = workflow_of(options)
    nodes = [find_artifact(workflow.graph, name) for name in dict.fromkeys(options.names)]
    if options.cancel:
        _cancel(workflow, nodes, dry_run=options.dry_run)
        return 0
    _refuse_unmade(workflow, nodes)
    _tell(workflow, nodes)
    if options.dry_run:
        print("nothing was asked: this is a dry run")
        return 0
    try:
        with shared_as(workflow.store.root):
            for node in nodes:
                ask(workflow.store, node.kind, node.digest)
    except OSError as problem:
        raise MachineLacks(f"{workflow.store.root} cannot be written: {problem}") from problem
    layers = f" --configfile {shlex.join(map(str, options.config))}" if options.config else ""
    print(
        f"asked for; the next run makes it: `snakemake --cores N{layers}`. Until the new one is "
        f"whole the old one stays; `safebasin redo --cancel` takes the request back"
    )
    return 0


def _refuse_unmade(workflow: Workflow, nodes: list[Node]) -> None:
    there = workflow.store.home
    unmade = [node for node in nodes if not os.path.lexists(there(node.kind, node.digest))]
    if unmade:
        names = ", ".join(node.name for node in unmade)
        raise RequestError(f"not made yet, so the next run makes it anyway: {names}")


def _tell(workflow: Workflow, nodes: list[Node]) -> None:
    """Print what is made again, and what follows if it comes out otherwise."""
    for node in nodes:
        print(f"to be made again: {node.kind}/{node.digest}  {node.name}")
    followers = [each for each in _followers(workflow.graph, nodes) if _is_made(workflow, each)]
    if not followers:
        print("nothing was made from it yet")
        return
    print(f"only if it comes out with other bytes, {len(followers)} that were made from it follow:")
    for each in followers[:_SHOWN]:
        print(f"  {each.kind}/{each.digest}  {each.name}")
    if len(followers) > _SHOWN:
        print(f"  and {len(followers) - _SHOWN} more")


def _followers(graph: Graph, nodes: list[Node]) -> list[Node]:
    """Return all that comes of ``nodes``, inputs first."""
    begun, found = {node.digest for node in nodes}, set[str]()
    for node in graph:
        if not (begun | found).isdisjoint(node.spec.inputs.values()):
            found.add(node.digest)
    return [node for node in graph if node.digest in found - begun]


def _is_made(workflow: Workflow, node: Node) -> bool:
    return workflow.store.holds(node.kind, node.digest)


def _cancel(workflow: Workflow, nodes: list[Node], *, dry_run: bool) -> None:
    for node in nodes:
        was_asked = is_asked(workflow.store, node.digest)
        if was_asked and not dry_run:
            with shared_as(workflow.store.root):
                withdraw(workflow.store, node.kind, node.digest)
        told = "no longer asked for" if was_asked else "it was not asked for"
        print(f"{told}: {node.kind}/{node.digest}  {node.name}")
