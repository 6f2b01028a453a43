"""The fixed texts of a guard, from the file beside it that it names."""

from __future__ import annotations

from pathlib import Path

import yaml


def wording(file: str) -> dict[str, str]:
    """Return the texts of ``file`` by name, each without a line end at its end.

    Every guard has a file of its own, so that another one's wording is no part of its identity.
    """
    path = Path(__file__).parent / "kinds" / file
    texts: dict[str, str] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {name: text.rstrip("\n") for name, text in texts.items()}
