"""What the processes of one sandbox use together, which no limit of the kernel's holds.

A limit on address space is each process's own: eight of them may hold eight times as much. A
control group would bound them all, but making one is not an ordinary user's right everywhere.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")


def resident_bytes(first: int) -> int:
    """Return the bytes in memory of all that descends from process ``first``, itself left out.

    Pages that processes share count for each. One that has ended meanwhile counts nothing.
    """
    return sum(_resident(process) for process in _descendants(first))


def _descendants(process: int) -> Iterator[int]:
    """Yield the process's children and theirs; who loses its parent becomes the first one's."""
    for children in Path(f"/proc/{process}/task").glob("*/children"):
        try:
            found = children.read_text(encoding="ascii").split()
        except OSError:
            continue
        for child in found:
            yield int(child)
            yield from _descendants(int(child))


def _resident(process: int) -> int:
    try:
        statm = Path(f"/proc/{process}/statm").read_text(encoding="ascii")
    except OSError:
        return 0
    return int(statm.split()[1]) * _PAGE
