"""Where a job keeps its state: beside the folder of its files, so that neither is the other's."""

from __future__ import annotations

from pathlib import Path

STATE = ".state"


def state_of(folder: Path) -> Path:
    """Return the folder for the state of the job that fills ``folder``.

    It survives a kill. It is deleted once the job's files are safe, not by who uses it: until then
    a kill would cost all that it holds.
    """
    return folder.with_name(f"{folder.name}{STATE}")
