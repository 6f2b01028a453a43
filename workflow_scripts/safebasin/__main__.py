"""``python -m safebasin``: what Snakemake calls for each step."""

import os
import sys

# A stray torch.py in the working directory is none of ours. Rules say -P; without it, or with an
# empty entry in PYTHONPATH, Python looks there first.
if os.getcwd() not in os.environ.get("PYTHONPATH", "").split(os.pathsep):  # noqa: PTH109
    sys.path[:] = [place for place in sys.path if place not in ("", os.getcwd())]  # noqa: PTH109

from contextlib import suppress

from safebasin.cli import main

if __name__ == "__main__":
    try:
        main()
    except SystemExit as ended:
        # All is published and every lock given back. To take down what transformers imported,
        # object by object, would be two seconds of every job.
        for stream in (sys.stdout, sys.stderr):
            with suppress(BrokenPipeError):
                stream.flush()
        os._exit(ended.code if isinstance(ended.code, int) else 1)
