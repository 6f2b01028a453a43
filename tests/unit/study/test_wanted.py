"""What the evaluation takes of splits and verdicts is told to the steps that make them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from safebasin.errors import StudyError
from safebasin.study.config import Study
from safebasin.study.graph import Graph
from safebasin.study.load import merge, validate
from safebasin.study.plan import Pinned, plan
from safebasin.study.wanted import wanted_of

ROOT = Path(__file__).resolve().parents[3]


def planned(study: Study) -> Graph:
    return plan(study, {}, lambda step, part: f"{step}:{part}/1")


def test_a_split_is_told_of_every_set_that_is_taken_from_it_once(smoke):
    graph = planned(validate(smoke))
    split = graph.by_name("split/everything")
    assert split is not None

    told = {str(one["name"]): one for one in wanted_of(graph)[split.digest]}

    assert set(told) == set(smoke["eval_sets"])
    assert told["words"] == {
        "name": "words",
        "part": "test",
        "corpora": ["words"],
        "labels": ["animal", "tool"],
    }
    assert "labels" not in told["requests"]


def test_a_set_without_corpora_is_of_those_of_its_prompts(smoke):
    edit = {"prompts": {"requests": {"corpora": ["requests"]}}, "eval_sets": {"all": {
        "prompts": "requests", "metrics": "refusal"}}}  # fmt: skip
    graph = planned(validate(merge(smoke, edit)))
    split = graph.by_name("split/everything")
    assert split is not None

    told = {str(one["name"]): one for one in wanted_of(graph)[split.digest]}

    assert told["all"]["corpora"] == ["requests"]


def test_every_set_of_verdicts_on_answers_is_told_of_its_own_sets_alone(smoke):
    graph = planned(validate(smoke))
    wanted = wanted_of(graph)
    answered = [one for one in graph.of_rule("judge_responses") if "responses" in one.spec.inputs]

    assert {one.digest for one in answered} < set(wanted)
    for node in answered:
        prompts = node.name.split("/")[1]
        names = [str(one["name"]) for one in wanted[node.digest]]
        assert sorted(names) == [prompts, f"{prompts} dev"]


def test_no_spec_holds_what_is_wanted(smoke):
    before = planned(validate(smoke))
    edit = {"eval_sets": {"words": {"categories": ["tool"]}}}
    after = planned(validate(merge(smoke, edit)))

    changed = {node.rule for node in after if node.digest not in before.nodes}

    assert changed == {"evaluate_study", "render_report"}
    assert wanted_of(before) != wanted_of(after)


@pytest.mark.parametrize("rule", ["split_corpus", "judge_responses"])
def test_the_rules_hand_it_on(rule):
    text = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "rules").glob("*.smk"))
    block = text.partition(f"rule {rule}:")[2].partition("\nrule ")[0]
    assert "wanted=PLAN.wanted" in block
    assert "--wanted {params.wanted:q}" in block


def test_two_models_of_one_name_are_refused_when_the_study_is_planned(smoke):
    smoke["agents"] = {"tiny": smoke["agents"]["dojo"]}
    smoke["sources"] = {"theirs": {"folder": "x", "files": ["*"]}}
    smoke["adapters"] = {"theirs": {"source": "theirs", "pair": "tiny"}}
    unchecked = Study.model_validate_json(json.dumps(smoke))
    pins = {"theirs": Pinned(origin={}, files=(("a", "0" * 64, 1),))}

    with pytest.raises(StudyError, match="would both be called 'tiny/aligned'"):
        plan(unchecked, pins, lambda step, part: f"{step}:{part}/1")
