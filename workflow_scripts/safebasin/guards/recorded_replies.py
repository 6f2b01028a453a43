"""The replies that an earlier search kept: a source's files of them as one."""

from __future__ import annotations

import json
from pathlib import Path

from safebasin.errors import DamagedInput


def recorded_replies(folder: Path) -> list[dict[str, object]]:
    """Return the lines of every ``*.jsonl`` in the folder, each of which must be a reply.

    Raises:
        DamagedInput: there is none, or a line is no reply that a search kept.
    """
    files = sorted(folder.rglob("*.jsonl"))
    lines = [line for path in files for line in _lines(path, str(path.relative_to(folder)))]
    if not lines:
        raise DamagedInput(
            "generator.replies: the source holds no reply; it needs the replies.jsonl of an "
            f"earlier search and has {', '.join(sorted(path.name for path in folder.iterdir()))}"
        )
    return lines


def _lines(path: Path, shown: str) -> list[dict[str, object]]:
    lines = []
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        reply = _reply(line)
        if reply is None:
            raise DamagedInput(
                f"generator.replies: {shown}, line {number}, is no reply that a search kept; name "
                "the replies.jsonl of an earlier search, and no other file, under the source's "
                "`files`"
            )
        lines.append(reply)
    return lines


def _reply(line: bytes) -> dict[str, object] | None:
    try:
        told = json.loads(line)
    except ValueError:
        return None
    whole = isinstance(told, dict) and all(
        isinstance(told.get(key), str) for key in ("request", "reply")
    )
    return told if whole else None
