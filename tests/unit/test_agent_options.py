"""Settings that a guard or generator does not take are said before an agent is made for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from safebasin.agent_options import agent_problems
from safebasin.study.load import merge, read_layers, validate

ROOT = Path(__file__).resolve().parents[2]
STUDIES = [
    ROOT / "config.yaml",
    *sorted((ROOT / "studies").glob("*.yaml")),
    *sorted((ROOT / "examples").glob("*/study.yaml")),
]
GUARDS = {
    "the words of a guard that has none": ({"type": "neutral", "text": "x"}, "guards.g", "text"),
    "a placement of a system prompt": (
        {"type": "system", "placement": "suffix"}, "guards.g", "placement",
    ),
    "a threshold beside no classifier": ({"type": "none", "threshold": 0.5}, "guards.g", "threshold"),
    "draws of what is not drawn": ({"type": "system", "draws": 5}, "guards.g.draws", "does nothing"),
    "draws of a searched prefix": ({"type": "prefix", "draws": 2}, "guards.g.draws", "does nothing"),
    "draws of a plugin": ({"type": "./g.py:G", "draws": 2}, "guards.g.draws", "played once"),
    "a search for what needs none": ({"type": "comment", "search": True}, "guards.g.search", "nothing"),
    "a place of no opening": ({"type": "system", "opening_at": "first"}, "guards.g.opening_at", "nothing"),
    "a suffix that is kept": (
        {"type": "prefix", "placement": "suffix", "keep_opening": False},
        "guards.g.keep_opening", "prefix as a suffix",
    ),
    "a classifier beside itself": (
        {"type": "classifier", "threshold": 0.5, "classifier": 0.6}, "guards.g.classifier", "nothing",
    ),
}  # fmt: skip
SERVER = {"base_url": "http://127.0.0.1:1", "model": "m"}
GENERATORS = {
    "a server without address": ("openai_compatible", {"model": "m"}, "base_url"),
    "an option that is none": ("openai_compatible", SERVER | {"max_token": 5}, "max_token"),
    "a temperature below 0": ("openai_compatible", SERVER | {"temperature": -1}, "temperature"),
    "an address that no token may go to": (
        "openai_compatible", SERVER | {"base_url": "http://example.org"}, "https",
    ),
    "a grammar with a temperature": ("grammar", {"temperature": 1}, "temperature"),
    "a seed of its own": ("grammar", {"seed": 3}, "told by the agent's `search_seeds`"),
    "another type": ("grammar", {"type": "local_lm"}, "told by `type` beside"),
}  # fmt: skip


@pytest.fixture(scope="module")
def smoke():
    return read_layers(ROOT / "studies" / "smoke.yaml")


@pytest.mark.parametrize("case", GUARDS)
def test_a_setting_that_a_guard_does_not_take_is_told(smoke, case):
    guard, key, cure = GUARDS[case]
    told = list(agent_problems(validate(merge(smoke, {"guards": {"g": guard}}))))
    assert [problem.key for problem in told] == [key]
    assert cure in told[0].cure


def test_only_an_agent_without_a_guard_is_called_none(smoke):
    (told,) = agent_problems(validate(merge(smoke, {"guards": {"none": {"type": "system"}},
        "controls": False})))  # fmt: skip
    assert told.key == "guards.none"
    assert "use another name" in told.cure


@pytest.mark.parametrize("case", GENERATORS)
def test_a_setting_that_a_generator_does_not_take_is_told(smoke, case):
    kind, params, cure = GENERATORS[case]
    layer = {"searches": {"grammar": {"generator": {"type": kind, "params": params}}}}
    (told,) = agent_problems(validate(merge(smoke, layer)))
    assert told.key == "searches.grammar.generator.params"
    assert cure in told.cure


@pytest.mark.parametrize("file", STUDIES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_is_told_of_the_shipped_studies(file):
    assert list(agent_problems(validate(read_layers(file)))) == []
