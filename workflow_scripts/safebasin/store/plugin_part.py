"""A plug-in as the part of a unit of code: its reference, and the data that a study names for it.

A text, as every part is: ``./file.py:Name?data/words.txt&lists``.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote, unquote


def plugin_part(reference: str, files: Iterable[str] | None) -> str:
    """Return ``./file.py:Name`` with the names of its data."""
    names = sorted(set(files or ()))
    return f"{reference}?{'&'.join(map(quote, names))}" if names else reference


def is_plugin(part: str) -> bool:
    """Say whether ``part`` names a user's class, as ``./file.py:Name``."""
    return ".py:" in part


def plugin_file(part: str) -> Path:
    """Return the file of the plugin ``./file.py:Name``."""
    return Path(part.rpartition(":")[0])


def plugin_names(part: str) -> tuple[str, ...]:
    """Return the names of the plug-in's data."""
    told = part.rpartition(":")[2].partition("?")[2]
    return tuple(unquote(name) for name in told.split("&") if name)
