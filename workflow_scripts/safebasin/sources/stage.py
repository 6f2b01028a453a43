"""A sub-folder for files that nobody has checked yet."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safebasin.resume.durable import discard

VERIFIED = "verified"
"""The sub-folder of a work folder whose files are named by their SHA-256 and have it: whatever
else goes wrong, they need not be fetched again."""


@contextmanager
def staged(work: Path) -> Iterator[Path]:
    """Give an empty folder in ``work`` that is gone afterwards."""
    stage = work / "unchecked"
    shutil.rmtree(stage, ignore_errors=True)
    stage.mkdir(parents=True)
    try:
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def forget_unverified(work: Path) -> None:
    """Remove all of ``work`` but what is known to be right."""
    for left in work.iterdir():
        if left.name != VERIFIED:
            discard(left)
    if not any(work.iterdir()):
        work.rmdir()
