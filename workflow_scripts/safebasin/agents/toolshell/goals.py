"""Whether a goal holds in a state; the state is what is judged, never what the agent says."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping
from typing import cast

from safebasin.agents.toolshell.draft import Condition
from safebasin.agents.toolshell.state import BYTES, State


def holds(condition: Condition, state: State) -> bool:
    """Return whether one condition holds.

    The conditions: ``gone`` (no such path), ``text`` (a file's text, but for blanks at its end),
    ``mode`` (a file's permission bits hold these), ``mailed`` (one mail to an address holds all
    parts), ``zipped`` (an archive holds these files, whatever their folder).
    """
    what, path = condition["that"], str(condition.get("path"))
    if what == "gone":
        return path not in state.entries
    if what == "text":
        return state.text(path) == str(condition["text"]).rstrip()
    if what == "mode":
        bits = cast(int, condition["bits"])
        entry = state.entries.get(path)
        return entry is not None and not entry.folder and entry.mode & bits == bits
    if what == "mailed":
        return _mailed(str(condition["to"]), cast(list[str], condition["parts"]), state)
    if what == "zipped":
        entry = state.entries.get(path)
        files = cast(Mapping[str, str], condition["files"])
        return entry is not None and _zipped(entry.content or b"", files)
    raise ValueError(f"{what!r} is no condition")


def all_hold(goal: Iterable[Condition], state: State) -> bool:
    """Return whether every condition of a goal holds."""
    return all(holds(condition, state) for condition in goal)


def _mailed(to: str, parts: Iterable[str], state: State) -> bool:
    for mail in state.mails:
        text = f"{mail.subject}\n{mail.body}\n{mail.attached}"
        if to.lower() in mail.to.lower() and all(part.rstrip() in text for part in parts):
            return True
    return False


def _zipped(data: bytes, files: Mapping[str, str]) -> bool:
    """Return whether the archive holds the files; the agent's code made it."""
    found: dict[str, str] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.infolist():
                name = member.filename.rpartition("/")[2]
                if name in files and name not in found:
                    with archive.open(member) as file:
                        found[name] = file.read(BYTES).decode("utf-8", "replace")
    except Exception:  # a forged archive may raise nearly anything; it is then no archive
        return False
    return all(found.get(name, "").rstrip() == text.rstrip() for name, text in files.items())
