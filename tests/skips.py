"""Skips are counted by reason in the last lines, and none for want of a package in a whole run.

With `SAFEBASIN_TESTS_COMPLETE=1`, which `.ci/run` sets after it has installed what tests need, a
skip is a failure unless its reason is one that no package cures.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Generator, Iterable

import pytest

NO_PACKAGE_CURES = re.compile(
    r"no CUDA device"
    r"|only one CUDA device"
    r"|of MIG instances"
    r"|the GPU that is granted in name is here"
    r"|no second file system"
    r"|the sandbox did not start"  # the kernel grants no name spaces, not even to bubblewrap alone
)


def is_complete() -> bool:
    """Return whether this run must leave nothing out that could be installed."""
    return os.environ.get("SAFEBASIN_TESTS_COMPLETE", "0") not in ("", "0")


def reason_of(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Return why a test or a file was skipped."""
    told = report.longrepr
    text = told[2] if isinstance(told, tuple) else str(told)
    return " ".join(text.removeprefix("Skipped: ").split())


def fail_if_curable(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Make a failure of a skip that installing something would have avoided."""
    if not report.skipped or hasattr(report, "wasxfail") or not is_complete():
        return
    reason = reason_of(report)
    if not NO_PACKAGE_CURES.search(reason):
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing may be left out: {reason}"


def count(reports: Iterable[pytest.TestReport | pytest.CollectReport]) -> list[str]:
    """Return one line a reason, the commonest first."""
    counted = Counter(reason_of(report) for report in reports)
    return [f"{number} skipped: {reason}" for reason, number in counted.most_common()]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Look at every test's report where it is made, also in a worker of xdist."""
    report = yield
    fail_if_curable(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Look at every file's report."""
    report = yield
    fail_if_curable(report)
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter,
) -> Generator[None, None, None]:
    """Say after all else what was skipped and why."""
    yield
    for line in count(terminalreporter.stats.get("skipped", [])):
        terminalreporter.write_line(line, yellow=True)
