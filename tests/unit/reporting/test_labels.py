"""A checkpoint is called by its label wherever a person reads of it; tables keep names as keys."""

from __future__ import annotations

import html
import json
from dataclasses import replace
from typing import Any

import pyarrow.parquet as pq
import pytest
from safebasin.cli import main
from safebasin.errors import StudyError
from safebasin.reporting.agents import agent_name, agents_of
from safebasin.reporting.findings import Findings
from safebasin.reporting.labels import labelled, pair_words
from safebasin.reporting.models import models_of
from safebasin.reporting.tables import provenance_table
from safebasin.steps import evaluate_study, render_report
from safebasin.steps.job import Job
from safebasin.study.load import validate
from safebasin.study.plan import plan
from safebasin.study.yaml_reader import read_yaml

from ...workflow import ROOT
from .made_up_agents import agent_evaluation_job, agent_report_job
from .made_up_study import report_job
from .test_page import Outline, page_of

LABEL = "Tiny <b>$5$</b> & friends"
"""Words that a page, a figure and a sentence must show as they are."""


def untouched(pair: str, stage: str, checkpoint: str, **more: object) -> dict[str, object]:
    """Return one row of a table."""
    row = {"pair": pair, "stage": stage, "checkpoint": checkpoint, "task": "t", "method": "none"}
    return {
        **row,
        "metric": "RR",
        "eval_set": "e",
        "part": "test",
        "mean": 0.5,
        "value": 0.5,
        **more,
    }


ROWS = [
    untouched("one", "base", "b1"),
    untouched("one", "aligned", "a1"),
    untouched("two", "base", "b1"),
    untouched("two", "aligned", "a2"),
    untouched("one", "tuned", "a1", method="sft"),
    untouched("chat", "aligned", "a3"),
]
LABELS = {"b1": "Base", "a1": "Chat 1", "a2": "Chat 2", "a3": "Agent"}


def found() -> Findings:
    plain = Findings(rows=ROWS, summary=ROWS, calibration=[], contrast={}, choices={})
    return labelled(plain, LABELS, {"chat": "Agent"})


def test_every_untouched_row_is_called_by_the_label_of_its_own_checkpoint():
    assert [(model.name, model.conditions) for model in models_of(found().summary)] == [
        ("base (Base)", "one, t"),
        ("aligned (Chat 1)", "one, t"),
        ("base (Base)", "two, t"),
        ("aligned (Chat 2)", "two, t"),
        ("sft", "one, t"),
        ("aligned (Agent)", "Agent, t"),
    ]


def test_it_is_said_of_each_pair_what_it_is_of():
    assert pair_words(found().rows)[:2] == [
        "one: base: Base; aligned: Chat 1",
        "two: base: Base; aligned: Chat 2",
    ]


def test_the_artifacts_behind_a_row_are_told_under_its_label():
    assert "aligned (Chat 2)" in str(provenance_table(found().rows))


def test_without_labels_everything_is_called_as_before():
    plain = Findings(rows=ROWS, summary=ROWS, calibration=[], contrast={}, choices={})
    told = labelled(plain, {}, {})
    assert [model.name for model in models_of(told.summary)] == [
        model.name for model in models_of(plain.summary)
    ]
    assert not pair_words(told.rows)


@pytest.fixture(scope="module")
def page(evaluated: Job, tmp_path_factory: pytest.TempPathFactory) -> Job:
    """A report on a study whose checkpoint has a label."""
    job = report_job(
        tmp_path_factory.mktemp("labelled"), evaluated.folder, labels={"c" * 16: LABEL}
    )
    render_report.run(job)
    return job


def test_table_figure_and_sentences_show_it_as_it_is(page: Job, evaluated: Job):
    text = page_of(page)
    assert "<b>$5$" not in text
    assert not Outline(text).open
    shown = html.unescape(text)
    assert f"aligned ({LABEL})" in shown
    assert f"the aligned model ({LABEL}) refuses" in shown
    drawn = (page.folder / "figures" / "tradeoff.svg").read_text(encoding="utf-8")
    assert f"aligned ({LABEL})" in html.unescape(drawn)
    rows = pq.read_table(evaluated.folder / "evaluation.parquet").to_pylist()
    assert LABEL not in str(rows)
    assert {row["pair"] for row in rows} == {"smollm2"}


def test_an_agent_is_called_by_its_checkpoint(tmp_path_factory: pytest.TempPathFactory):
    evaluation = agent_evaluation_job(tmp_path_factory.mktemp("agents"))
    evaluate_study.run(evaluation)
    job = agent_report_job(tmp_path_factory.mktemp("report"), evaluation)
    rows = pq.read_table(evaluation.folder / "evaluation.parquet").to_pylist()
    aligned = next(row for row in rows if row["stage"] == "aligned")
    more = {"labels": {aligned["checkpoint"]: LABEL}, "called": {aligned["pair"]: LABEL}}
    job = replace(job, raw_params={**job.raw_params, **more})
    render_report.run(job)
    shown = html.unescape(page_of(job))
    assert f"aligned ({LABEL})" in shown
    assert f"({LABEL})" in shown.split("<h2>Agents</h2>")[1]


def planned(study: dict[str, Any]) -> Any:
    return plan(validate(study), {}, lambda step, part: f"{step}:{part}/1")


@pytest.fixture
def smoke() -> dict[str, Any]:
    return read_yaml(ROOT / "studies" / "smoke.yaml")


def test_the_report_is_told_of_every_label_and_nothing_else_is(smoke):
    before = planned(smoke)
    smoke["checkpoints"]["tiny"]["label"] = "another"
    after = planned(smoke)
    changed = {after.nodes[digest].name for digest in after.nodes.keys() - before.nodes.keys()}
    assert changed == {"report"}
    params = after.nodes[after.target].spec.params
    base = after.by_name("checkpoint/tiny")
    assert params["labels"][base.digest] == "another"
    assert "tiny/words/base (another): requests" in params["samples"].values()
    assert params["called"] == {"tiny-aligned": "the same after 200 steps of refusals"}


@pytest.mark.parametrize("label", ["", "  ", "two\nlines", "a\0b"])
def test_a_label_is_a_line_of_words(smoke, label):
    smoke["checkpoints"]["tiny"]["label"] = label
    with pytest.raises(StudyError, match=r"checkpoints\.tiny\.label"):
        validate(smoke)


def test_agents_of_a_report_keep_their_keys():
    guards = {"agents": [{"model": {"pair": "chat", "agent": "t"}, "arms": [{"stage": "aligned"}]}]}
    plain = Findings(
        rows=ROWS, summary=ROWS, calibration=[], contrast={}, choices={}, guards=guards
    )
    (agent,) = agents_of(labelled(plain, LABELS, {"chat": "Agent"}))
    assert agent["model"]["pair"] == "chat"
    assert agent_name(agent) == "t (Agent)"
    assert agent["arms"][0]["label"] == "Agent"


def test_show_says_it_beside_the_name(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    study = str(ROOT / "studies" / "smoke.yaml")
    with pytest.raises(SystemExit):
        main(["show", "--config", study, "--kind", "checkpoint"])
    told = capsys.readouterr().out
    assert "checkpoint/tiny-aligned (the same after 200 steps of refusals)\n" in told
    with pytest.raises(SystemExit):
        main(["show", "--config", study, "--kind", "checkpoint", "--json"])
    named = {row["name"]: row["label"] for row in json.loads(capsys.readouterr().out)}
    assert named["checkpoint/tiny"] == "tiny random Llama"
    assert named["checkpoint/dojo/stopped/s0"] is None
