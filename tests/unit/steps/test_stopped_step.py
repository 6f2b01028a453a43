"""A scheduler that wants its node back sends SIGTERM, and SIGKILL some seconds later."""

from __future__ import annotations

import subprocess
import sys

from safebasin.store.lock import hold_lock
from safebasin.store.spec import Spec

SPEC = Spec(kind="mixture", code=None, params={})


def test_a_step_that_is_asked_to_stop_says_so_and_leaves_no_lock(tmp_path):
    lock = tmp_path / ".locks" / SPEC.digest
    command = [sys.executable, "-m", "safebasin", "write_demonstrations", "--spec", SPEC.text]
    with hold_lock(lock):
        step = subprocess.Popen(
            [*command, "--store", str(tmp_path)], stderr=subprocess.PIPE, text=True
        )
        assert step.stderr is not None
        assert "is being made by another process" in step.stderr.readline()
        step.terminate()
        told = step.stderr.read()
    assert step.wait() == 143
    assert told.startswith("safebasin: asked to stop (SIGTERM)")
    assert "Traceback" not in told
    assert [path.name for path in lock.parent.iterdir()] == [SPEC.digest]
