"""A plug-in as the part of a unit of code: its reference, and the data that a study names for it.

A text, as every part is: ``./file.py:Name?data/words.txt&lists``, what could be taken for a mark
between parts or names quoted.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote, unquote


def plugin_part(reference: str, files: Iterable[str] | None) -> str:
    """Return ``./file.py:Name`` with the names of its data."""
    told, names = quote(reference, safe="/:"), sorted(set(files or ()))
    return f"{told}?{'&'.join(map(quote, names))}" if names else told


def is_plugin(part: str) -> bool:
    """Say whether ``part`` names a user's class, as ``./file.py:Name``."""
    return ".py:" in part


def plugin_reference(part: str) -> str:
    """Return ``./file.py:Name`` as the study says it."""
    return unquote(part.partition("?")[0])


def plugin_file(reference: str) -> Path:
    """Return the file of the plugin ``./file.py:Name``."""
    return Path(reference.rpartition(":")[0])


def plugin_names(part: str) -> tuple[str, ...]:
    """Return the names of the plug-in's data."""
    told = part.partition("?")[2]
    return tuple(unquote(name) for name in told.split("&") if name)
