"""Show which steps' code is no longer what was recorded; ``--record`` records it.

Recording raises the revision of every changed unit, so its results are made again. An edit that
changes no result keeps it: ``--neutral STEP --reason TEXT``.
"""

from __future__ import annotations

import argparse

from safebasin.errors import RequestError
from safebasin.store.code_identity import CodeBook
from safebasin.store.kinds import RULES
from safebasin.study.problems import did_you_mean

EXAMPLE = "safebasin code --files tune_adapter"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--record", action="store_true", help="write code.lock.json anew")
    parser.add_argument(
        "--neutral", nargs="+", default=[], metavar="STEP", help="units that keep their revision"
    )
    parser.add_argument("--reason", help="why the neutral edit changes no result")
    parser.add_argument("--files", metavar="STEP", help="list the files of a unit's closure")


def run(options: argparse.Namespace) -> int:
    """Print the units that changed; exit 1 if there are any and they are not recorded.

    Raises:
        RequestError: a neutral edit without a reason, or the other way round; no such unit.
    """
    if bool(options.neutral) != bool(options.reason):
        raise RequestError("--neutral STEP and --reason TEXT go together")
    book = CodeBook()
    for name in filter(None, [options.files, *options.neutral]):
        if name not in (units := [*RULES, *book.names()]):
            raise RequestError(f"there is no unit of code {name!r}; {did_you_mean(name, units)}")
    if options.files:
        print("\n".join(book.unit(options.files).files))
        return 0
    if options.record or options.neutral:
        changed = book.record(dict.fromkeys(options.neutral, options.reason))
        for unit in changed:
            print(f"recorded {book.unit(unit.name).identity} (was {unit.identity})")
        print(f"{len(changed)} units recorded")
        return 0
    stale = book.stale()
    for unit in stale:
        print(f"changed since it was recorded: {unit.identity}")
    print(f"{len(stale)} units changed" if stale else "all code is as recorded")
    return 1 if stale else 0
