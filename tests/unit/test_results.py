"""What results show is left as it is until there is something else to show."""

from __future__ import annotations

from pathlib import Path

import pytest
from safebasin.commands.results import link_results
from safebasin.errors import RequestError
from safebasin.workflow import open_workflow

from ..workflow import ROOT, SMOKE


def test_a_report_that_is_not_made_yet_takes_nothing_away(tmp_path: Path):
    shown = tmp_path / "results" / "smoke"
    kept = [shown / ".linked" / "a.json", shown / "figures" / "a.svg", shown / "report.html"]
    for path in kept:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    workflow = open_workflow([ROOT / SMOKE], store=tmp_path / "store")
    with pytest.raises(RequestError, match="is not made yet"):
        link_results(workflow, tmp_path)
    assert all(path.is_file() for path in kept)
