"""Hash every file of the store again; damaged ones are named and the exit code is 3."""

from __future__ import annotations

import argparse
import json

from safebasin.commands.study_arguments import add_store
from safebasin.errors import DamagedInput, RequestError
from safebasin.progress import SILENT, LineProgress
from safebasin.store.store import Store, store_folder
from safebasin.store.verify import verify

EXAMPLE = "safebasin verify --store store"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_store(parser)
    parser.add_argument("--json", action="store_true", help="print a JSON list of what is damaged")


def run(options: argparse.Namespace) -> int:
    """Print what is damaged.

    Raises:
        RequestError: there is no store.
    """
    store = Store(store_folder(options.store))
    if not store.root.is_dir():
        raise RequestError(f"there is no store at {store.root}")
    damages = list(verify(store, SILENT if options.json else LineProgress()))
    if options.json:
        keys = ("kind", "digest", "file", "problem")
        print(json.dumps([{key: getattr(each, key) for key in keys} for each in damages], indent=1))
    else:
        for damage in damages:
            print(damage)
        print(
            f"{store.root}: {len(damages)} damaged" if damages else f"{store.root}: all as written"
        )
    return DamagedInput.exit_code if damages else 0
