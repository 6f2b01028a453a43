"""A sandbox where this machine has one; without it those tests are skipped."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from safebasin.agents.toolshell.sandbox import require_sandbox
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
