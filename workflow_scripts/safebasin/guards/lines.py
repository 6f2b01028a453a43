"""A file of JSON lines that only grows, and survives a kill in the middle of a line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Return the objects in ``path``, none where it does not exist.

    A last line without its line end was cut by a kill; it is taken out of the file, so that the
    next line does not grow onto it.
    """
    if not path.exists():
        return []
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if len(whole) < len(content):
        with path.open("rb+") as file:
            file.truncate(len(whole))
    return [json.loads(line) for line in whole.split(b"\n")[:-1]]


def append_line(path: Path, line: dict[str, Any]) -> None:
    """Append one object; call ``read_lines`` before the first one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8", newline="\n") as file:
        file.write(json.dumps(line, sort_keys=True) + "\n")
        file.flush()
