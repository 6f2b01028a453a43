"""A sandbox to run code in, where this machine has one; without it those tests are skipped."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from safebasin.agents.toolshell.sandbox import (
    Limits,
    Outcome,
    inner_user,
    require_sandbox,
    run_code,
)
from safebasin.errors import MachineLacks


@pytest.fixture(scope="session")
def sandbox() -> None:
    """Skip where bubblewrap is not to be had; where it is, a broken sandbox is a failure."""
    try:
        require_sandbox()
    except MachineLacks as error:
        bare = ["bwrap", "--unshare-pid", "--unshare-net", "--ro-bind", "/", "/", "true"]
        if shutil.which("bwrap") and subprocess.run(bare, check=False).returncode == 0:
            raise
        pytest.skip(str(error))


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
