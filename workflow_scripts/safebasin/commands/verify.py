"""Hash every file of the store again; damaged ones are named and the exit code is 3.

With a study (``--configfile``) its own artifacts alone are looked at.
"""

from __future__ import annotations

import argparse
import json

from safebasin.commands.study_arguments import add_study, workflow_of
from safebasin.errors import DamagedInput
from safebasin.progress import SILENT, LineProgress
from safebasin.store.store import Store, store_folder
from safebasin.store.strays import strays
from safebasin.store.verify import homes, verify

EXAMPLE = "safebasin verify --store store"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_study(parser)
    parser.add_argument(
        "--downstream",
        action="store_true",
        help="name artifacts, too, that were made from other bytes of their inputs than are there",
    )
    parser.add_argument("--json", action="store_true", help="print a JSON list of what is damaged")


def run(options: argparse.Namespace) -> int:
    """Print what is damaged.

    Raises:
        RequestError: there is no store.
        StudyError: the study has problems.
    """
    store, only = Store(store_folder(options.store)), None
    if options.config or options.settings:
        workflow = workflow_of(options)
        store, only = workflow.store, frozenset(workflow.graph.nodes)
    count = len(homes(store, only))
    progress = SILENT if options.json else LineProgress()
    damages = list(verify(store, progress, downstream=options.downstream, only=only))
    if options.json:
        keys = ("kind", "digest", "file", "problem", "cure")
        print(json.dumps([{key: getattr(each, key) for key in keys} for each in damages], indent=1))
    else:
        for damage in damages:
            print(damage)
        artifacts = len({(damage.kind, damage.digest) for damage in damages})
        told = f"{len(damages)} damaged, in {artifacts}" if damages else "all as written, in all"
        print(f"{store.root}: {told} of {count} artifacts")
        if left := strays(store):
            size = sum(stray.size for stray in left)
            print(
                f"{len(left)} files and folders of unfinished jobs lie in {store.root}/.scratch, "
                f"{size / 1e6:.2f} MB; `safebasin scratch` lists and clears them"
            )
    return DamagedInput.exit_code if damages else 0
