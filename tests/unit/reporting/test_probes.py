"""The section on probes: figures where there are rows, and sentences that claim no more."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safebasin.analysis.probe_rows import ProbeRow, logit_rows, probe_table, steering_row
from safebasin.reporting.findings import Probe
from safebasin.reporting.probe_figures import probe_figures
from safebasin.reporting.probes import probe_blocks, probe_sentences
from safebasin.steps import evaluate_study, render_report
from safebasin.steps.job import Job
from safebasin.store.writers import write_json, write_parquet

from .made_up_agents import agent_evaluation_job, agent_report_job
from .test_page import Outline, page_of

KINDS = ["harmful"] * 12 + ["benign"] * 12
OBJECTS = [f"thing {index // 2}" for index in range(24)]
ABOUT = {"headline": 21, "depth": 30, "steering": {"layers": [19, 21]}}


def accuracy(layer: int, value: float, **more: object) -> ProbeRow:
    row = {"measure": "accuracy", "metric": "accuracy", "layer": layer, "value": value,
           "low": value - 0.03, "high": value + 0.02, "n": 492, "clusters": 82}  # fmt: skip
    return row | more  # type: ignore[return-value]


def probe(
    *, words: float = 0.7, chance: float = 0.52, harmful: float = 3.0, name: str = "dojo"
) -> Probe:
    """A probe with made-up figures: ``harmful`` is what the guard adds on harmful tasks."""
    draw = np.random.default_rng(0)
    plain = np.where(np.asarray(KINDS) == "harmful", 1.0, -1.0) + draw.normal(size=24) / 4
    added = np.where(np.asarray(KINDS) == "harmful", harmful, 0.5) + draw.normal(size=24) / 4
    logits = {"none": plain, "ping": plain + added}
    rows = [accuracy(0, words), accuracy(21, 0.97), accuracy(21, 0.9, kind="lookalike")]
    rows.append(accuracy(21, chance, measure="accuracy_shuffled", n=5))
    for measure in ("logit_average", "logit_final"):
        rows += logit_rows(measure, 21, logits, KINDS, OBJECTS)
        rows += logit_rows(measure, 4, {"none": plain + 99}, KINDS, OBJECTS)
    for measure, coefficients in (("steering", (0.0, 2.0, 20.0)), ("steering_random", (2.0, 20.0))):
        for step in coefficients:
            hard = measure == "steering" and step == 20
            for metric, kind, happens in (
                ("RR", "harmful", hard), ("benign RR", "benign", hard),
                ("acted", "benign", not hard), ("SR", "benign", not hard),
            ):  # fmt: skip
                happened = [happens] * 14
                rows.append(steering_row(measure, step, kind, metric, happened, OBJECTS[:14]))
    return Probe(name=name, rows=probe_table(rows).to_pylist(), about=ABOUT)


def test_all_three_figures_are_drawn_and_the_same_each_time():
    drawn = probe_figures([probe(), probe(name="other")])

    assert list(drawn) == ["probe_accuracy", "probe_logits", "probe_steering"]
    assert drawn == probe_figures([probe(), probe(name="other")])
    assert "random direction" in drawn["probe_steering"]
    assert "other" in drawn["probe_logits"]


def test_what_was_not_measured_is_not_drawn_and_not_said():
    whole = probe()
    bare = replace(whole, rows=[row for row in whole.rows if "steering" not in str(row["measure"])])

    assert list(probe_figures([bare])) == ["probe_accuracy", "probe_logits"]
    assert probe_figures([whole, bare])["probe_steering"].count("coefficient") == 1
    assert not [said for said in probe_sentences(bare) if "Steering" in said]
    assert probe_figures([]) == {}
    assert probe_blocks([], meaningless=False) == []


def test_the_sentences_tell_the_layer_that_was_fixed_beforehand():
    accuracy, plain, ping, steering = probe_sentences(probe())

    assert "At layer 21 of 30, which was fixed beforehand" in accuracy
    assert "97 % (94 to 99) of 492 tasks" in accuracy
    assert "the intervals do not overlap." in accuracy
    assert "+1." in plain
    assert "−0." in plain or "−1." in plain
    assert "on harmful tasks it is higher than on benign" in ping
    assert "RR from 0 % (0 to" in steering
    assert "Along one random direction of the same length RR is 0 %" in steering
    assert "search and development tasks" in steering


@pytest.mark.parametrize(
    ("edit", "place", "told"),
    [
        ({"words": 0.95}, 0, "the words by themselves may be all that is read"),
        ({"chance": 0.96}, 0, "so that nothing is shown to be read there"),
        ({"harmful": 0.5}, 2, "the two changes are not told apart"),
        ({"harmful": -4.0}, 2, "on harmful tasks it is lower than on benign"),
    ],
)
def test_a_sentence_claims_no_more_than_its_interval(edit, place, told):
    assert told in probe_sentences(probe(**edit))[place]
    assert told not in " ".join(probe_sentences(probe()))


def test_a_peak_between_the_ends_is_told_as_picked():
    whole = probe()
    rows = [
        row | {"value": 0.5}
        if (row["measure"], row["metric"], row["coefficient"]) == ("steering", "RR", 2.0)
        else row | {"value": 0.1}
        if (row["measure"], row["metric"]) == ("steering", "RR")
        else row
        for row in whole.rows
    ]

    (*_, steering) = probe_sentences(replace(whole, rows=rows))

    assert "RR is greatest at coefficient 2, picked on these very tasks: 50 %" in steering
    assert "benign RR 0 %" in steering
    assert "is greatest" not in probe_sentences(whole)[-1]


def test_a_study_that_means_nothing_has_figures_and_no_sentences():
    shown = " ".join(str(block) for block in probe_blocks([probe()], meaningless=True))

    assert "What the model sees and what it does" in shown
    assert "fixed beforehand, a linear probe" not in shown


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Job:
    root = tmp_path_factory.mktemp("agents")
    evaluation = agent_evaluation_job(root)
    evaluate_study.run(evaluation)
    job = agent_report_job(root, evaluation)
    params, inputs = dict(job.raw_params), dict(job.inputs)
    for key, one in (("b0", probe()), ("b1", probe(name="x"))):
        folder: Path = root / "probe" / key
        folder.mkdir(parents=True)
        write_parquet(folder / "probe.parquet", probe_table(one.rows))  # type: ignore[arg-type]
        write_json(folder / "probe.json", one.about)  # type: ignore[arg-type]
        inputs[f"probe.{key}"] = folder
    params["probes"] = {"b0": "dojo/stopped/s0", "b1": "dojo/<b>stopped</b>/s1"}
    job = replace(job, raw_params=params, inputs=inputs)
    render_report.run(job)
    return job


def test_the_page_shows_every_probe_under_its_readable_name_and_stays_well_formed(report: Job):
    page = page_of(report)
    outline = Outline(page)

    assert outline.open == []
    assert len(outline.ids) == len(set(outline.ids))
    assert "stopped/s0</h4>" in page
    assert "&lt;b&gt;stopped" in page
    assert page.count("Mean probe logits on test tasks at layer 21 of 30") == 2
    for name in ("probe_accuracy", "probe_logits", "probe_steering"):
        assert (report.folder / "figures" / f"{name}.svg").exists()
        assert f'id="{name}-' in page
