"""Every study of the project runs to its report, at the smallest size its graph allows."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from safebasin.study.load import read_layers

from ..workflow import ROOT, lay_out, snakemake
from .shrunken import shrunken

pytestmark = [pytest.mark.network, pytest.mark.timeout(7200)]
PAPERS = {"asft-llama2-7b", "asft-llama2-7b-reference", "ping-llama31-8b"}
"""Their sources are not locked, so they only plan."""
STUDIES = sorted(
    path.stem for path in (ROOT / "studies").glob("*.yaml") if path.stem not in PAPERS | {"smoke"}
)


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One store for all: what two studies share is made once."""
    return tmp_path_factory.mktemp("store")


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_runs_to_its_report(name: str, tmp_path: Path, store: Path) -> None:
    folder = lay_out(tmp_path / "work")
    small = shrunken(read_layers(folder / "studies" / f"{name}.yaml"))
    (folder / "small.yaml").write_text(yaml.safe_dump(small), encoding="utf-8")

    snakemake(folder, "--configfile", "small.yaml", store=store)

    report = folder / "results" / small["study"] / "report.html"
    assert "</html>" in report.read_text(encoding="utf-8")
