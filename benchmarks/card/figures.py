"""The figures of all parts in one JSON file, written as they come."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from machine import describe_machine

NAME = "card.json"
Note: TypeAlias = Callable[[str, object], None]
"""Called with a figure's name and value; when it returns, the figure is on the disk."""


class Figures:
    """``card.json`` of a folder; one process writes at a time."""

    def __init__(self, folder: Path) -> None:
        """Take the folder, which exists."""
        self._path = folder / NAME

    def begin(self, part: str) -> Note:
        """Forget what the part measured before; return what notes its figures."""
        figures = self._read()
        figures["parts"].pop(part, None)
        figures["parts"][part] = {"machine": describe_machine()}
        self._write(figures)
        return self.of(part)

    def of(self, part: str) -> Note:
        """Return what notes a figure of that part."""

        def note(name: str, value: object) -> None:
            figures = self._read()
            figures["parts"].setdefault(part, {})[name] = value
            self._write(figures)
            print(f"{part}: {name}: {json.dumps(value)}", file=sys.stderr, flush=True)

        return note

    def _read(self) -> dict[str, Any]:
        if not self._path.exists():
            return {"parts": {}}
        figures: dict[str, Any] = json.loads(self._path.read_text(encoding="utf-8"))
        return figures

    def _write(self, figures: dict[str, Any]) -> None:
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
        fresh.replace(self._path)
