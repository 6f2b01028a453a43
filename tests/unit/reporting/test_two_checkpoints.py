"""Two checkpoints without an adapter are evaluated and reported."""

from __future__ import annotations

from dataclasses import replace

import pyarrow.parquet as pq
import pytest
from safebasin.steps import evaluate_study, render_report

from .made_up_study import evaluation_job, report_job
from .test_page import Outline, page_of


@pytest.mark.parametrize("choice", [True, False])
def test_their_report_needs_no_method_no_contrast_and_no_choice(tmp_path_factory, choice):
    job = evaluation_job(tmp_path_factory.mktemp("two"))
    params = dict(job.raw_params) | {"contrast": None}
    params["cells"] = [cell for cell in params["cells"] if cell["method"] == "none"]
    params = {key: told for key, told in params.items() if told and (choice or key != "choice")}
    job = replace(job, raw_params=params)
    evaluate_study.run(job)
    rows = pq.read_table(job.folder / "evaluation.parquet").to_pylist()
    assert {row["stage"] for row in rows} == {"base", "aligned"}

    report = report_job(tmp_path_factory.mktemp("report"), job.folder)
    inputs = {role: path for role, path in report.inputs.items() if role.startswith("eval")}
    told = {key: report.raw_params[key] for key in ("study", "title")}
    report = replace(report, inputs=inputs, raw_params=told)
    render_report.run(report)
    page = Outline(page_of(report))
    assert not page.open
    assert "base" in page.visible
    assert "aligned" in page.visible
