"""A browser where this machine has one, and the made-up report."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..unit.reporting.conftest import evaluated, reported
from .devtools import Browser

__all__ = ["evaluated", "reported"]
PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "chrome")


@pytest.fixture(scope="module")
def program() -> str:
    """The browser's program; skips where there is none."""
    found = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if found is None:
        pytest.skip("no browser is installed (apt-get install chromium)")
    return found


@pytest.fixture
def browser(program: str, tmp_path: Path) -> Iterator[Browser]:
    """A running browser with an empty profile."""
    running = Browser(program, tmp_path / "profile")
    yield running
    running.close()
