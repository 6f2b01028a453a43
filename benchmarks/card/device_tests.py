"""Part 2: the tests that need a GPU, each noted as it ends."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from card.bench import Bench
from card.figures import Note

ROOT = Path(__file__).parents[2]


class _Counts:
    """Hears of each test."""

    def __init__(self, note: Note) -> None:
        self._note = note
        self._counts = {"passed": 0, "failed": 0, "skipped": 0}
        self._failed: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call" and report.passed:
            return
        self._counts[report.outcome] += 1
        self._note("tests", dict(self._counts))
        if report.failed:
            self._failed.append(report.nodeid)
            self._note("failed", self._failed)


def measure(bench: Bench, note: Note) -> None:
    """Run tests/gpu; what they print goes to the log."""
    del bench
    os.chdir(ROOT)
    arguments = ["tests/gpu", "-q", "-rs", "--durations=5", "-p", "no:cacheprovider"]
    code = pytest.main(arguments, plugins=[_Counts(note)])
    if code:
        raise SystemExit(int(code))
