"""A place to run code in."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from safebasin.agents.toolshell.sandbox import Limits, Outcome, inner_user, run_code

UNHURRIED = {"cpu": 20, "wall": 60.0}


class Shell:
    """Two folders and the way to run code in them."""

    def __init__(self, folder: Path) -> None:
        self.home, self.mail = folder / "home", folder / "mail"
        for room in (self.home, self.mail):
            room.mkdir()
            if inner_user() != -1:
                os.chown(room, inner_user(), inner_user())

    def run(self, code: str, **limits: float) -> Outcome:
        """Run code; no test hangs on how fast it starts, so time is short only where asked."""
        return run_code(code, self.home, self.mail, Limits(**{**UNHURRIED, **limits}))  # type: ignore[arg-type]

    def processes(self) -> set[str]:
        """Return the processes that see this home: not those of a test beside this one."""
        home = "/".join(self.home.parts[-4:]).encode()
        found = set()
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if (folder / "cmdline").read_bytes().startswith(b"/python/bin/python") and home in (
                    folder / "mountinfo"
                ).read_bytes():
                    found.add(folder.name)
            except OSError:
                continue
        return found


@pytest.fixture
def shell(sandbox: None, tmp_path: Path) -> Shell:
    return Shell(tmp_path)
