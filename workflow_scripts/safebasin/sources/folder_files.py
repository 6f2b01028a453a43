"""Which files a folder has, without a look into folders that no pattern leads to."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from safebasin.sources.patterns import matches

_ANY_DEPTH = ("**", "[")
"""What may stand for a ``/`` in a pattern, so that it leads anywhere."""


def files_below(root: Path, patterns: Sequence[str] = ("**",)) -> Iterator[str]:
    """Yield the names of files below ``root``, with ``/``; all that the patterns name are there.

    A link to a file counts as a file; a link to a folder is not followed.
    """
    yield from _below(str(root), "", patterns)


def _below(root: str, home: str, patterns: Sequence[str]) -> Iterator[str]:
    with os.scandir(f"{root}/{home}") as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            name = f"{home}{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                if any(_leads_into(each, name) for each in patterns):
                    yield from _below(root, f"{name}/", patterns)
            elif entry.is_file():
                yield name


def _leads_into(pattern: str, folder: str) -> bool:
    """Return whether ``pattern`` may name a file below ``folder``."""
    parts, steps = pattern.split("/"), folder.split("/")
    for index, step in enumerate(steps):
        if index < len(parts) and any(sign in parts[index] for sign in _ANY_DEPTH):
            return True
        if index >= len(parts) - 1 or not matches(step, parts[index]):
            return False
    return True
