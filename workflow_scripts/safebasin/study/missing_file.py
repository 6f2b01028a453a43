"""What may have been meant by a config file that is not there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from safebasin.study.problems import nearest

_STUDIES = Path("studies")
CONFIG_SUFFIXES = (".yaml", ".yml", ".json")
"""How the names of config files end."""


def hint_of(path: Path) -> str:
    """Return which file may have been meant, as the end of a message; empty where none is near.

    Looked for beside it, and among the studies that come with the workflow.
    """
    try:
        if path.exists():
            return ""
    except OSError:
        return ""  # no name that a file could have
    there = {each.name: each for folder in (_STUDIES, path.parent) for each in _configs(folder)}
    near = nearest(path.name, there)
    return f"; did you mean {str(there[near])!r}?" if near else ""


def _configs(folder: Path) -> Iterator[Path]:
    try:
        yield from (each for each in folder.iterdir() if each.suffix in CONFIG_SUFFIXES)
    except OSError:
        return
