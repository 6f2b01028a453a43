"""A file of JSON lines that only grows; a line that is not as it was written counts as absent."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from safebasin.progress import SILENT, Progress
from safebasin.resume.durable import write_durably


def read_lines(path: Path, progress: Progress = SILENT) -> list[dict[str, Any]]:
    """Return the objects in ``path``, none where it does not exist.

    A line that a kill cut short, or that does not fit its seal, is taken out of the file, so that
    the next line does not grow onto it; ``progress`` is told once.
    """
    if not path.exists():
        return []
    content = path.read_bytes()
    lines = content.split(b"\n")[:-1]
    whole = [line for line in lines if _fits(line)]
    if len(whole) < len(lines):
        lost = len(lines) - len(whole)
        progress.note(f"{path.name}: {lost} lines of an earlier try are unreadable and not used")
    text = b"".join(line + b"\n" for line in whole)
    if text != content:
        write_durably(path, text.decode())
    return [json.loads(line.partition(b" ")[2]) for line in whole]


def append_line(path: Path, line: dict[str, Any]) -> None:
    """Append one object; call ``read_lines`` before the first one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8", newline="\n") as file:
        file.write(_sealed(line))
        file.flush()


def write_lines(path: Path, lines: Iterable[dict[str, Any]]) -> None:
    """Write a file of these objects, all or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_durably(path, "".join(_sealed(line) for line in lines))


def _sealed(line: dict[str, Any]) -> str:
    text = json.dumps(line, sort_keys=True)
    return f"{_seal(text.encode())} {text}\n"


def _fits(line: bytes) -> bool:
    seal, _, text = line.partition(b" ")
    return seal == _seal(text).encode()


def _seal(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()[:16]
