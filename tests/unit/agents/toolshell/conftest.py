"""A place to run code in."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from safebasin.agents.toolshell.sandbox import Limits, Outcome, inner_user, run_code


class Shell:
    """Two folders and the way to run code in them."""

    def __init__(self, folder: Path) -> None:
        self.home, self.mail = folder / "home", folder / "mail"
        for room in (self.home, self.mail):
            room.mkdir()
            if inner_user() != -1:
                os.chown(room, inner_user(), inner_user())

    def run(self, code: str, **limits: float) -> Outcome:
        return run_code(code, self.home, self.mail, Limits(**limits))  # type: ignore[arg-type]


@pytest.fixture
def shell(sandbox: None, tmp_path: Path) -> Shell:
    return Shell(tmp_path)
