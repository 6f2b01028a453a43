"""How a Snakemake that cannot go on ends: with one message, the last thing that it prints."""

from __future__ import annotations

import sys
from typing import NoReturn

from safebasin.errors import SafebasinError


def end(problem: SafebasinError) -> NoReturn:
    """Print the problem as the commands do and end the process with its exit code.

    An exception that Snakemake prints would come with the rule file's name and stack, though the
    study is at fault, and not at all where it is told to be quiet.

    Raises:
        SystemExit: always.
    """
    sys.stdout.flush()
    print(f"safebasin: {problem}", file=sys.stderr, flush=True)
    raise SystemExit(problem.exit_code)
