"""The lock of a Snakemake is cleared where its holder is provably dead, and only there."""

from __future__ import annotations

import argparse
import errno
import fcntl
import os

import pytest
from safebasin.commands.unlock import LOCKS, hold_running, run
from safebasin.errors import RequestError

NOTHING = argparse.Namespace()


@pytest.fixture
def locked(tmp_path, monkeypatch):
    """A working directory with Snakemake's lock, and the mark of the Snakemake that left it."""
    monkeypatch.chdir(tmp_path)
    LOCKS.mkdir(parents=True)
    (LOCKS / "0.input.lock").touch()
    return hold_running(tmp_path)


def test_the_lock_of_a_dead_snakemake_is_cleared(locked, capsys):
    os.close(locked)
    assert run(NOTHING) == 0
    assert list(LOCKS.iterdir()) == []


def test_that_of_a_living_one_is_not(locked):
    with pytest.raises(RequestError, match="wait for it"):
        run(NOTHING)
    assert list(LOCKS.iterdir())


def test_nor_that_of_one_of_which_nothing_can_be_known(locked, tmp_path, monkeypatch):
    def refuse(handle: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    os.close(hold_running(tmp_path))  # it runs all the same
    with pytest.raises(RequestError, match="no locks"):
        run(NOTHING)
    assert list(LOCKS.iterdir())
