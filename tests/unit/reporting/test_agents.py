import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safebasin.analysis.cells import KEY_COLUMNS
from safebasin.errors import StudyError
from safebasin.reporting.agent_figures import Point, pareto_front
from safebasin.reporting.agent_words import agent_limits
from safebasin.reporting.agents import agents_of, leading, without_agents
from safebasin.reporting.crossing import crossing_blocks
from safebasin.reporting.findings import read_findings, records
from safebasin.reporting.main_table import _was_picked
from safebasin.reporting.models import Model
from safebasin.steps import evaluate_study, render_report
from safebasin.steps.job import Job

from .made_up_agents import ARMS, agent_evaluation_job, agent_report_job
from .test_page import Outline, page_of


@pytest.fixture(scope="module")
def agents(tmp_path_factory: pytest.TempPathFactory) -> Job:
    """A job of the evaluation of agents that has run."""
    job = agent_evaluation_job(tmp_path_factory.mktemp("agents"))
    evaluate_study.run(job)
    return job


@pytest.fixture(scope="module")
def report(agents: Job, tmp_path_factory: pytest.TempPathFactory) -> Job:
    """A job of the report on agents that has run."""
    job = agent_report_job(tmp_path_factory.mktemp("report"), agents)
    render_report.run(job)
    return job


def rows(job: Job) -> list[dict[str, Any]]:
    found = pq.read_table(job.folder / "evaluation.parquet").to_pylist()
    return cast(list[dict[str, Any]], found)


def test_every_arm_is_in_the_table_under_a_key_of_its_own(agents: Job) -> None:
    found = rows(agents)

    assert len({tuple(row[name] for name in KEY_COLUMNS) for row in found}) == len(found)
    assert len(found) == len(ARMS) * 4 * 3
    assert {row["replicate"] for row in found if row["guard"] == "neutral"} == set(range(5))
    assert {row["steps"] for row in found} == {None, 8, 16, 24}


def test_the_three_metrics_of_a_set_add_up_to_one(agents: Job) -> None:
    sums: dict[tuple[object, ...], float] = {}
    for row in rows(agents):
        key = tuple(row[name] for name in KEY_COLUMNS if name != "metric")
        sums[key] = sums.get(key, 0.0) + row["value"]

    assert all(total == pytest.approx(1.0) for total in sums.values())


def test_the_same_inputs_give_the_same_bytes(agents: Job, report: Job, tmp_path: Path) -> None:
    evaluate_study.run(replace(agents, folder=tmp_path))
    for name in evaluate_study.FILES:
        assert (tmp_path / name).read_bytes() == (agents.folder / name).read_bytes()
    render_report.run(replace(report, folder=tmp_path))
    assert (tmp_path / "report.html").read_bytes() == (report.folder / "report.html").read_bytes()


def test_agents_leave_a_study_of_tuned_models_as_it_was(
    evaluated: Job, agents: Job, tmp_path: Path
) -> None:
    cells = [
        {**cell, "method": "asft"} if cell["stage"] == "agent" else cell
        for cell in cast(list[dict[str, Any]], agents.raw_params["cells"])
    ]
    both = {
        name: cast(list[object], evaluated.raw_params[name]) + cast(list[object], added)
        for name, added in (("cells", cells), ("eval_sets", agents.raw_params["eval_sets"]))
    }
    job = replace(
        evaluated,
        folder=tmp_path,
        inputs={**evaluated.inputs, **agents.inputs},
        raw_params={**evaluated.raw_params, **both},
    )
    evaluate_study.run(job)

    for name in ("contrast.json", "choices.json", "calibration.parquet"):
        assert (tmp_path / name).read_bytes() == (evaluated.folder / name).read_bytes()
    alone, mixed = read_findings(evaluated.folder), without_agents(read_findings(tmp_path))
    assert mixed.rows == alone.rows
    assert mixed.summary == alone.summary


def test_a_study_without_agents_has_none(evaluated: Job, reported: Job) -> None:
    guards = json.loads((evaluated.folder / "guards.json").read_text())

    assert guards["agents"] == guards["searches"] == []
    assert "Agents" not in page_of(reported)


def test_verdicts_of_another_language_are_refused(evaluated: Job, tmp_path: Path) -> None:
    sets = [{"name": "x", "verdicts": "harmful", "part": "test", "metrics": "harmful_tasks",
             "labels": ["positive"]}]  # fmt: skip
    params = {**evaluated.raw_params, "eval_sets": sets, "choice": None, "contrast": None}

    with pytest.raises(StudyError, match="verdicts on tasks"):
        evaluate_study.run(replace(evaluated, folder=tmp_path, raw_params=params))


def test_the_report_of_agents_alone_is_well_formed(report: Job) -> None:
    outline = Outline(page_of(report))

    assert outline.open == []
    assert len(outline.ids) == len(set(outline.ids))
    assert "script" not in outline.seen
    assert "Results" not in outline.visible
    assert "settings chosen" not in outline.visible


def test_every_guard_has_its_row_with_intervals(report: Job) -> None:
    page = page_of(report)

    for name in ("aligned", "agent", "agent + ping", "agent + suffix", "agent + ptst"):
        assert f'<th scope="row">{name}</th>' in page
    assert "mean of 5 draws; RR 6 to 32" in page
    assert "<b>50.8</b></td>" in page.replace("<small>39–63</small>", "")
    assert "SR, a refusal ends, %" in page


def test_every_table_calls_a_classifier_a_stand_in(report: Job) -> None:
    page = page_of(report)

    assert '<th scope="row">agent + filter (stand-in classifier)</th>' in page
    assert "filter (stand-in classifier) − no guard" in page
    assert "ping − filter (stand-in classifier)" in page
    assert page.count("stand-in classifier") == page.count("filter (stand-in classifier)")
    assert "The guard classifier is a stand-in" in Outline(page).visible


def test_an_opening_under_another_name_is_told_of(report: Job) -> None:
    assert "Under a fixed opening" in Outline(page_of(report)).visible


def test_a_study_without_the_arm_that_was_scored_says_so(agents: Job) -> None:
    findings = read_findings(agents.folder)
    without = replace(findings, guards={**findings.guards, "searches": []})
    words = "No guard uses a searched prefix as its search scored it"

    assert words in " ".join(agent_limits(without))
    assert words not in " ".join(agent_limits(findings))


@pytest.mark.parametrize("meaningless", [False, True])
def test_a_search_that_cannot_be_repeated_is_told_of_before_the_guard_table(
    agents: Job, report: Job, tmp_path: Path, meaningless: bool
) -> None:
    asked = tmp_path / "asked"
    shutil.copytree(agents.inputs["prefix.p0"], asked)
    told = json.loads((asked / "prefix.json").read_text())
    generator = {"type": "openai_compatible", "model": "<b>far-away</b>"}
    (asked / "prefix.json").write_text(
        json.dumps(told | {"reproducible": False, "generator": generator})
    )
    job = agent_report_job(tmp_path, agents, meaningless=meaningless)
    job = replace(job, inputs={**job.inputs, "prefix.p0": asked})
    render_report.run(job)
    page = page_of(job)

    said = page.index("Not reproducible without its replies")
    assert page.index("<h2>Agents</h2>") < said < page.index('<th scope="row">agent</th>')
    assert "&lt;b&gt;far-away&lt;/b&gt;" in page
    assert "Not reproducible" not in page_of(report)


def test_the_words_stand_beside_the_table_and_not_in_a_smoke_study(
    report: Job, agents: Job, tmp_path: Path
) -> None:
    smoke = agent_report_job(tmp_path, agents, meaningless=True)
    render_report.run(smoke)

    assert "ping acts as a conditional guard here" in page_of(report)
    assert "ping acts as a conditional guard here" not in page_of(smoke)
    assert "There is one agent seed" in Outline(page_of(report)).visible


def test_pool_and_steps_are_drawn(report: Job) -> None:
    pool = (report.folder / "figures" / "pool.svg").read_text()
    steps = (report.folder / "figures" / "agent_steps.svg").read_text()

    assert "winner" in pool
    assert "opening" in pool
    assert pool.count("neutral comment") == pool.count(">neutral comment<") == 1
    assert "RR, ping" in steps
    assert sorted(path.name for path in (report.folder / "figures").iterdir()) == [
        "agent_steps.svg",
        "pool.svg",
    ]


def test_an_episode_of_each_outcome_is_folded_and_escaped(report: Job) -> None:
    page, outline = page_of(report), Outline(page_of(report))

    for kind in ("benign", "harmful"):
        for words in ("done", "refused", "neither"):
            assert f"<summary>{kind} task, {words}</summary>" in page
    assert "<script>" not in page
    assert "&lt;script&gt;x&lt;/script&gt;" in page
    assert "placeholder task" not in outline.visible
    assert re.search(
        r'<details class="harmful"><summary>harmful task, done</summary><p class="warning">'
        r".{0,200}?<details><summary>show the task</summary>"
        r'<blockquote class="prompt">placeholder task harmful',
        page,
        re.S,
    )
    assert not re.search(r"</details><blockquote class=\"prompt\">page harmful", page)


def test_the_curve_does_not_take_the_place_of_the_table(agents: Job) -> None:
    (shown,) = leading(read_findings(agents.folder))

    assert cast(dict[str, object], shown["model"])["steps"] is None


def test_tunings_stand_beside_each_other_behind_the_guards_that_they_share(agents: Job) -> None:
    heading, shown = crossing_blocks(read_findings(agents.folder))
    page = str(shown)

    assert str(heading) == "<h3>Tunings behind each guard</h3>"
    groups = re.findall(r'<th scope="rowgroup" rowspan="(\d)">([^<]*)</th>', page)
    assert groups == [("4", "no guard"), ("4", "ping")]
    tunings = re.findall(r'<th scope="row">([^<]*)</th>', page)
    assert tunings[:4] == tunings[4:]
    assert sorted(tunings[:4]) == ["run 16", "run 24", "run 8", "stopped"]
    behind_ping = page.partition(">ping<")[2].partition("run 24")[2].partition("</tr>")[0]
    refused = re.findall(r"<b>([\d.]+)</b>", behind_ping)[1]
    assert float(refused) == pytest.approx(20, abs=5)


def test_one_tuning_has_nothing_to_stand_beside(agents: Job) -> None:
    found = read_findings(agents.folder)
    alone = {**found.guards, "agents": leading(found)}

    assert crossing_blocks(replace(found, guards=alone)) == []


def test_tunings_that_share_no_guard_have_no_table(agents: Job) -> None:
    found = read_findings(agents.folder)
    first, second, *_ = agents_of(found)
    arms = {"arms": [arm for arm in records(second, "arms") if arm["guard"] == "no such guard"]}

    assert crossing_blocks(replace(found, guards={"agents": [first, {**second, **arms}]})) == []


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), min_size=1, max_size=20))
def test_no_point_beats_one_of_the_front(points: list[Point]) -> None:
    front = pareto_front(points)

    for x, y in set(points):
        beaten = any((a >= x and b >= y) and (a, b) != (x, y) for a, b in points)
        assert ((x, y) in front) is not beaten


def model(method: str, setting: str, *, chosen: bool) -> Model:
    return Model(stage="tuned", method=method, setting=setting, conditions="", chosen=chosen)


def test_every_methods_chosen_setting_is_marked_where_settings_were_compared() -> None:
    several = [model("asft", "λ=1", chosen=True), model("asft", "λ=2", chosen=False)]
    single, plain = model("safe_lora", "τ=0.5", chosen=True), model("sft", "", chosen=True)

    marked = [
        one for one in (*several, single, plain) if _was_picked(one, [*several, single, plain])
    ]

    assert marked == [several[0], single]
    assert not _was_picked(single, [several[0], single, plain])
