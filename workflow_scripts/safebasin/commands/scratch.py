"""List what lies in the store's scratch, or clear what ended jobs left there.

A killed job leaves what lets the next try go on; of an artifact that nobody wants any more it stays
for ever. What a living job holds is never touched.
"""

from __future__ import annotations

import argparse

from safebasin.commands.study_arguments import add_store
from safebasin.errors import RequestError
from safebasin.store.store import Store, store_folder
from safebasin.store.strays import Stray, clear, held, strays

EXAMPLE = "safebasin scratch --clear --older 7"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_store(parser)
    parser.add_argument(
        "--clear", action="store_true", help="delete what no job holds; without it, list alone"
    )
    parser.add_argument(
        "--older",
        type=float,
        default=0.0,
        metavar="DAYS",
        help="only what was last written to so long ago",
    )


def run(options: argparse.Namespace) -> int:
    """Print a line for each file or folder.

    Raises:
        RequestError: there is no store.
    """
    store = Store(store_folder(options.store))
    if not store.root.is_dir():
        raise RequestError(f"there is no store at {store.root}")
    found = [stray for stray in strays(store) if stray.days >= options.older]
    if options.clear:
        gone = list(clear(store, found))
        for stray in gone:
            print(f"cleared {stray}")
        found = [stray for stray in found if stray not in gone]
    for stray in found:
        print(f"{stray}, {_state(store, stray)}")
    size = sum(stray.size for stray in found)
    print(f"{store.root}: {len(found)} in .scratch, {size / 1e6:.2f} MB")
    return 0


def _state(store: Store, stray: Stray) -> str:
    if stray.digest is None:
        return "of a name that safebasin does not give: look at it, and delete it by hand"
    if held(store, stray):
        return "held by a living job, or by one of another host"
    return "held by nobody: --clear deletes it, else a next try goes on from it"
