"""What is to be learned from the log of a step that failed, and from how its process ended."""

from __future__ import annotations

import re
import signal
from dataclasses import dataclass
from pathlib import Path

SAID = "safebasin: "
"""What a step's own last message begins with (``cli.main``)."""
_TRACEBACK = "Traceback (most recent call last):"
_READ = 64 * 1024
_LONGEST = 2000
"""Characters that are shown of one message."""
_ERROR_LINES = 5
_NO_TEXT = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_ENDINGS = {
    signal.SIGKILL: "was killed (SIGKILL); most often because memory ran out: run fewer jobs at "
    "once, or let the profile grant more (mem_mb)",
    signal.SIGTERM: "was asked to stop (SIGTERM)",
    signal.SIGINT: "was interrupted",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """The end of a log."""

    message: str | None = None
    """Why the step failed, in its own words."""
    last: str | None = None
    """The last line, where no message stands."""


def said(log: Path, *, others_write: bool = False) -> Said:
    """Return what the step said at its end; nothing where there is no log.

    Args:
        log: A text file.
        others_write: Whether lines of other programs may follow the step's message.
    """
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _READ))
            text = file.read().decode("utf-8", errors="replace")
    except OSError:
        return Said()
    lines = [line.rstrip() for line in _plain(text).split("\n") if line.strip()]
    starts = [at for at, line in enumerate(lines) if line.startswith(SAID)]
    if starts:
        until = starts[-1] + 1 if others_write else len(lines)
        message = "\n".join(lines[starts[-1] : until]).removeprefix(SAID)
        return Said(message=message if len(message) <= _LONGEST else f"{message[:_LONGEST]}…")
    if _TRACEBACK in lines:
        return Said(message=f"{_error(lines)} (an error that nobody foresaw; its traceback is "
                    "in the log)")  # fmt: skip
    return Said(last=lines[-1][:_LONGEST] if lines else None)


def _error(lines: list[str]) -> str:
    """Return the error below the last traceback, the lines of its message and what follows it."""
    last = max(at for at, line in enumerate(lines) if line == _TRACEBACK)
    below = lines[last + 1 :]
    starts = (at for at, line in enumerate(below) if not line.startswith((" ", "\t")))
    start = next(starts, len(below))
    told = "\n".join(below[start : start + _ERROR_LINES]) or "it was cut off"
    return told[:_LONGEST]


def ending(code: int) -> str:
    """Return how a process ended, by the code that its shell or Python gave it."""
    number = -code if code < 0 else code - 128
    try:
        told = signal.Signals(number)
    except ValueError:
        return f"ended with exit code {code}"
    return _ENDINGS.get(told, f"crashed ({told.name})")


def _plain(text: str) -> str:
    """Return ``text`` without what would move a terminal's cursor; of a redrawn line, the end."""
    lines = (line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))
    return _NO_TEXT.sub("", "\n".join(lines))
