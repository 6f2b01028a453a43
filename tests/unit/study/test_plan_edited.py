"""Whatever is done to a study's text: it is refused by message, or it is planned."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import Any

import pytest
from safebasin.errors import SafebasinError, StudyError
from safebasin.study.graph import Graph
from safebasin.study.load import examine, read_layers, validate
from safebasin.study.plan import Pinned, plan
from safebasin.study.problems import needed

from ...workflow import ROOT

ADOPTED = "examples/adopted_adapter/study.yaml"
FILES = ("studies/smoke.yaml", ADOPTED, "examples/own_guard/study.yaml")
VALUES = (None, 0, 1, 0.5, "none", "full", "base", "aligned", [], {}, True)
ROUNDS = 60


def planned(raw: dict[str, Any]) -> Graph:
    study = validate(raw)
    pins = {name: Pinned(origin={}, files=(("a.json", "0" * 64, 1),)) for name in study.sources}
    return plan(study, pins, lambda step, part: f"{step}:{part}/1")


def places(value: Any, home: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to each value of a study's text."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for key, each in inner:
        yield (*home, key)
        if isinstance(each, dict | list):
            yield from places(each, (*home, key))


def at(raw: Any, place: tuple[Any, ...]) -> Any:
    for key in place:
        raw = raw[key]
    return raw


def edited(raw: dict[str, Any], draw: random.Random) -> dict[str, Any]:
    """Take a value out, put another's or a strange one in its place, or give it a second name."""
    raw = copy.deepcopy(raw)
    for _ in range(draw.choice((1, 1, 2))):
        ways = list(places(raw))
        *home, key = draw.choice(ways)[: draw.choice((1, 2, 2, 3, 9))]
        parent, kind = at(raw, tuple(home)), draw.random()
        if kind < 0.6:
            del parent[key]
        elif kind < 0.7:
            parent[key] = copy.deepcopy(at(raw, draw.choice(ways)))
        elif kind < 0.85 and isinstance(parent, dict):
            parent[str(draw.choice(ways)[-1])] = copy.deepcopy(parent[key])
        else:
            parent[key] = draw.choice(VALUES)
    return raw


@pytest.mark.parametrize("file", FILES)
def test_an_edited_study_is_refused_by_message_or_planned(file):
    raw, count = read_layers(ROOT / file), 0
    for number in range(ROUNDS):
        text = edited(raw, random.Random(f"{file}/{number}"))
        try:
            if not (told := examine(text, "it")).problems:
                assert told.study is not None
                count += bool(planned(text))
        except SafebasinError:
            continue
    assert count  # most edits are mistakes; those that are none are planned


def test_an_adapter_beside_a_base_needs_the_layers_that_it_is_measured_in():
    raw = read_layers(ROOT / ADOPTED)
    assert planned(raw).of_rule("measure_adapter")
    del raw["lora"]
    with pytest.raises(StudyError, match="lora: None: the adapter theirs is measured along"):
        validate(raw)
    del raw["pairs"]["tiny"]["base"]
    assert not planned(raw).of_rule("measure_adapter")


@pytest.mark.parametrize("name", ["base", "aligned"])
def test_an_adapter_is_not_called_as_the_untouched_checkpoints_are(name):
    raw = read_layers(ROOT / ADOPTED)
    raw["adapters"] = {name: raw["adapters"]["theirs"]}
    with pytest.raises(StudyError, match=f"adapters.{name}: '{name}': so the untouched"):
        validate(raw)


def test_which_of_several_settings_is_projected_is_not_guessed(smoke):
    for name in ("asft", "ridge"):
        smoke["methods"][name]["lambda"] = [1, 2]
    smoke["methods"]["safe_lora"]["of"] = "asft"
    with pytest.raises(StudyError, match=r"methods\.safe_lora\.of: 'asft': it has the settings"):
        validate(smoke)


TWINS = {
    "an agent and a pair": lambda raw: (
        raw["pairs"].update(dojo={"aligned": "tiny"})
        or raw.update(adapters={"theirs": {"source": "rows", "pair": "dojo"}})
    ),
    "a guard and a draw of another": lambda raw: (
        raw["guards"].update(
            {"neutral": {"type": "neutral", "draws": 2}, "neutral-1": {"type": "neutral"}}
        )
        or raw["agents"]["dojo"].update(guards=["none", "ping", "neutral", "neutral-1"])
    ),
}


@pytest.mark.parametrize("edit", TWINS)
def test_two_models_of_one_name_are_refused_and_none_is_dropped(smoke, edit):
    smoke["sources"] = {"rows": {"folder": "rows", "files": ["*"]}}
    TWINS[edit](smoke)
    with pytest.raises(
        StudyError, match=r"is the name of a pair|is what a draw of neutral is called"
    ):
        planned(smoke)


def test_pairs_alone_are_evaluated_as_they_are_on_all_prompts(smoke):
    for key in ("grid", "agents", "choice", "contrast", "lora", "training", "methods"):
        del smoke[key]
    smoke["prompts"]["words"]["task"] = "words"
    graph = planned(smoke)
    answers = [node.name for node in graph.of_rule("generate_responses")]
    assert len(answers) == 2  # both sets of prompts ask for the same answers
    verdicts = {node.name for node in graph.of_rule("judge_responses")}
    assert verdicts == {
        f"verdicts/{prompts}/tiny/words/{stage}"
        for prompts in ("requests", "words")
        for stage in ("base", "aligned")
    }
    assert graph.target in graph.nodes


def test_what_a_check_should_have_told_is_told_by_message_all_the_same():
    assert needed(3, "lora", "a grid") == 3
    with pytest.raises(StudyError, match="lora: None: a grid needs it"):
        needed(None, "lora", "a grid")
