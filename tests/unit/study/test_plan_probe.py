from __future__ import annotations

import pytest
from safebasin.errors import StudyError
from safebasin.study.load import merge, validate
from safebasin.study.plan import Pinned, plan

PINS: dict[str, Pinned] = {}


def codes(step: str, part: str | None) -> str:
    return ",".join(f"{step}:{each}/1" for each in part.split(",")) if part else f"{step}/1"


def graph_of(raw: dict, probe: object, **agent: object):
    bare = merge(raw, {"agents": {"dojo": {"probe": None}}})
    return plan(validate(merge(bare, {"agents": {"dojo": agent | {"probe": probe}}})), PINS, codes)


def test_every_tuned_agent_has_one_probe_and_the_report_reads_it(smoke):
    graph = graph_of(smoke, {}, seeds=[0, 1])

    nodes = graph.of_rule("fit_probe")

    assert [node.name for node in nodes] == ["probe/dojo/stopped/s0", "probe/dojo/stopped/s1"]
    (report,) = graph.of_rule("render_report")
    assert report.spec.params["probes"] == {"b0000": "dojo/stopped/s0", "b0001": "dojo/stopped/s1"}
    assert report.spec.inputs["probe.b0001"] == nodes[1].digest
    (one,) = {graph.parents(node)["guard"].rule for node in nodes}
    assert one == "search_prefix"


def test_a_study_without_probes_plans_none_and_its_report_knows_none(smoke):
    graph = graph_of(smoke, None)

    assert not graph.of_rule("fit_probe")
    (report,) = graph.of_rule("render_report")
    assert "probes" not in report.spec.params


def test_the_code_of_a_probe_holds_its_world_and_its_guards_and_no_other(smoke):
    (node,) = graph_of(smoke, {}).of_rule("fit_probe")

    assert node.spec.code == "fit_probe:dojo/1,fit_probe:neutral/1,fit_probe:prefix/1"
    assert set(node.spec.params["guards"]) == {"ping", "neutral"}
    assert node.spec.params["guards"]["neutral"] == {"type": "neutral", "index": 0}


def test_a_probe_without_searched_guards_waits_for_no_search(smoke):
    raw = merge(smoke, {"guards": {"note": {"type": "comment"}}})

    (node,) = graph_of(raw, {"guards": ["none", "note"]}).of_rule("fit_probe")

    assert set(node.spec.inputs) == {"checkpoint"}
    assert node.spec.code == "fit_probe:dojo/1,fit_probe:comment/1"


def test_steering_is_on_unless_it_is_null_and_changes_the_probe_alone(smoke):
    on, off = graph_of(smoke, {}), graph_of(smoke, {"steering": None})

    (first,), (second,) = (graph.of_rule("fit_probe") for graph in (on, off))
    assert first.spec.params["steering"]["coefficients"] == [0, 1, 2, 5, 10, 20]
    assert "steering" not in second.spec.params
    new = {node.rule for node in off if node.digest not in on.nodes}
    assert new == {"fit_probe", "render_report"}


@pytest.mark.parametrize(
    ("probe", "told"),
    [
        ({"layers": [1.5]}, "a whole number"),
        ({"layers": [-1]}, "probe.layers"),
        ({"folds": 1}, "probe.folds"),
        ({"steering": {"coefficients": [1, 2]}}, "0 must be among them"),
        ({"steering": {"layers": [0]}}, "the embeddings"),
        ({"guards": ["pong"]}, "there is no such name"),
        ({"guards": ["judge"]}, "puts no known text into the prompt"),
        ({"gards": ["none"]}, "gards"),
    ],
)
def test_what_is_wrong_with_a_probe_is_told_with_its_key(smoke, probe, told):
    raw = merge(smoke, {"guards": {"judge": {"type": "classifier"}}})

    with pytest.raises(StudyError) as problem:
        graph_of(raw, probe)

    assert told in str(problem.value)
    assert "agents.dojo.probe" in str(problem.value)
