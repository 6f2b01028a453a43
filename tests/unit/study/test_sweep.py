"""A parameter of a plug-in's sweeps as λ does: a setting each, which the development rows choose."""

from __future__ import annotations

from typing import Any

import pytest
from safebasin.study.graph import Graph
from safebasin.study.load import validate
from safebasin.study.plan import plan

PLACE = "tiny/words/n32/p0.25"
PLUGIN = {"type": "./mine.py:Mine"}


@pytest.fixture
def with_mine(smoke: dict[str, Any]):
    """Return the plan of the smoke study with a plug-in method in its grid."""

    def planned(**told: Any) -> Graph:
        smoke["methods"]["mine"] = PLUGIN | told
        smoke["grid"][0] |= {"methods": ["sft", "mine"], "seeds": [0]}
        smoke["contrast"] = None
        return plan(validate(smoke), {}, lambda step, part: f"{step}:{part}/1")

    return planned


def tuned(graph: Graph) -> dict[str, Any]:
    """Return the params of each adapter's method that the plug-in makes, by its name."""
    return {
        node.name.removeprefix(f"adapter/{PLACE}/"): node.spec.params["method"]
        for node in graph.of_rule("tune_adapter")
        if "/mine" in node.name
    }


def test_each_value_is_a_setting_with_its_own_adapter(with_mine):
    graph = with_mine(params={"radius": 0.5, "kinds": ["q", "v"]}, sweep={"weight": [0.1, 1, 10]})
    assert {name: one["params"]["weight"] for name, one in tuned(graph).items()} == {
        "mine-kinds['q','v'],radius0.5,weight0.1/s0": 0.1,
        "mine-kinds['q','v'],radius0.5,weight1/s0": 1,
        "mine-kinds['q','v'],radius0.5,weight10/s0": 10,
    }
    table = graph.nodes[graph.evaluation].spec.params["cells"]
    cells = [cell for cell in table if cell["method"] == "mine"]
    assert {(cell["strength"], cell["setting"]) for cell in cells} == {
        (value, f"kinds=['q', 'v'], radius=0.5, weight={value}") for value in (0.1, 1, 10)
    }


def test_a_list_among_the_params_is_one_value(with_mine):
    (told,) = tuned(with_mine(params={"weight": [0.1, 1]})).values()
    assert told["params"] == {"weight": [0.1, 1]}


def test_a_sweep_of_one_value_is_the_artifact_of_that_param(with_mine):
    (swept,) = with_mine(sweep={"weight": [0.5]}).of_rule("tune_adapter")[-1:]
    (told,) = with_mine(params={"weight": 0.5}).of_rule("tune_adapter")[-1:]
    assert swept.digest == told.digest


def test_data_are_named_in_the_step_and_in_the_code_and_their_order_means_nothing(with_mine):
    first = with_mine(files=["lists/", "./words.txt", "lists"])
    ((name, told),) = tuned(first).items()
    assert told["files"] == ["lists", "words.txt"]
    node = first.by_name(f"adapter/{PLACE}/{name}")
    assert node.spec.code == "tune_adapter:./mine.py:Mine?lists&words.txt/1"
    assert set(with_mine(files=["words.txt", "lists"]).nodes) == set(first.nodes)
    assert "files" not in next(iter(tuned(with_mine()).values()))
