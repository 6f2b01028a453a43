from __future__ import annotations

import copy
import dataclasses
import importlib
import inspect
import json
import random
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from safebasin.errors import RequestError
from safebasin.spec_text import (
    LONGEST,
    lay_long_specs,
    lay_long_texts,
    origin_text,
    pack_spec,
    pack_text,
    unpack_spec,
    unpack_text,
)
from safebasin.steps.job import Job
from safebasin.store.code_identity import CodeBook
from safebasin.store.spec import Spec
from safebasin.study.load import load_study, merge, validate
from safebasin.study.plan import Pinned, plan
from safebasin.study.yaml_reader import read_yaml
from safebasin.workflow import open_workflow

from .conftest import ROOT

SMOKE = read_yaml(ROOT / "studies" / "smoke.yaml")
BARE = {"text_template": "Q: {prompt}"}


def codes(step: str, part: str | None) -> str:
    return f"{step}:{part}/1" if part else f"{step}/1"


def planned(study):
    return plan(validate(study), {}, codes)


@given(
    seeds=st.lists(st.integers(0, 99), min_size=1, max_size=3, unique=True),
    lambdas=st.lists(st.sampled_from([0.1, 0.5, 1, 2.5]), min_size=1, max_size=3, unique=True),
    fractions=st.lists(st.sampled_from([0, 0.125, 0.25]), min_size=1, max_size=2, unique=True),
)
def test_a_grid_holds_every_combination_once(seeds, lambdas, fractions):
    study = copy.deepcopy(SMOKE)
    study["grid"][0] |= {"seeds": seeds, "harmful_fractions": fractions}
    for method in ("asft", "ridge"):
        study["methods"][method]["lambda"] = lambdas
    graph = planned(study)
    assert len(graph.of_rule("tune_adapter")) == len(seeds) * len(fractions) * (
        1 + 2 * len(lambdas)
    )
    assert len(graph.of_rule("project_adapter")) == len(seeds) * len(fractions)
    names = [node.name for node in graph]
    assert len(set(names)) == len(names)
    for node in graph:
        assert all(digest in graph.nodes for digest in node.spec.inputs.values())


@given(st.integers(0, 2**32))
def test_the_plan_depends_on_what_is_said_not_on_the_order_it_is_said_in(seed):
    chance = random.Random(seed)

    def shuffled(value):
        if isinstance(value, dict):
            items = list(value.items())
            chance.shuffle(items)
            return {key: shuffled(item) for key, item in items}
        return value

    assert set(planned(shuffled(SMOKE)).nodes) == set(planned(SMOKE).nodes)


def test_a_default_that_is_spelled_out_changes_no_digest():
    study = copy.deepcopy(SMOKE)
    study["training"] |= {"order": "shuffled", "padding": "none"}
    study["poison"] |= {"counts": "within", "place": "spread"}
    study["tasks"]["words"]["poison"] = {"counts": "within", "place": "spread"}
    graph = planned(study)
    assert set(graph.nodes) == set(planned(SMOKE).nodes)
    assert not any(
        {"order", "padding"} & set(node.spec.params["training"])
        for node in graph.of_rule("tune_adapter")
    )
    assert {frozenset(node.spec.params) for node in graph.of_rule("mix_corpora")} == {
        frozenset({"parts", "seed"})
    }


@pytest.mark.parametrize(
    ("edit", "rules"),
    [
        ({"training": {"order": "file"}}, {"tune_adapter"}),
        ({"training": {"padding": "max_length"}}, {"tune_adapter"}),
        ({"tasks": {"words": {"system": "S"}}}, {"mix_corpora"}),
        ({"tasks": {"words": {"template": "Q: {prompt}"}}}, {"mix_corpora"}),
        ({"tasks": {"words": {"poison": {"counts": "besides"}}}}, {"mix_corpora"}),
        ({"poison": {"system": "S"}}, {"mix_corpora"}),
        ({"poison": {"template": "Q: {prompt}"}}, {"mix_corpora"}),
        (
            {"poison": {"place": "first"}, "training": {"order": "file"}},
            {"mix_corpora", "tune_adapter"},
        ),
        ({"prompts": {"requests": BARE, "words": BARE}}, {"generate_responses"}),
    ],
)
def test_a_switch_changes_the_params_of_what_it_names_alone(edit, rules):
    before = {node.name: node.spec.params for node in planned(SMOKE)}
    changed = {
        node.rule for node in planned(merge(SMOKE, edit)) if node.spec.params != before[node.name]
    }
    assert changed - {"evaluate_study"} == rules  # the evaluation names adapters by their digests


def steps_taken(study):
    return {
        node.name.partition("/")[2]: node.spec.params["training"]["steps"]
        for node in planned(study).of_rule("tune_adapter")
    }


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ("within", {"n16/p0": 6, "n16/p0.25": 6, "n24/p0": 9, "n24/p0.25": 9}),
        ("besides", {"n16/p0": 6, "n16/p0.25": 8, "n24/p0": 9, "n24/p0.25": 12}),
    ],
)
def test_epochs_are_passes_over_each_runs_own_rows(counts, expected):
    """Three passes in batches of eight: a share of harmful rows besides makes a run longer."""
    study = copy.deepcopy(SMOKE)
    study["training"] = {"learning_rate": 1e-2, "epochs": 3, "batch_size": 8}
    study["poison"]["counts"] = counts
    study["grid"][0] |= {"samples": [16, 24], "harmful_fractions": [0, 0.25]}

    taken = steps_taken(study)

    assert {steps for name, steps in taken.items()} == set(expected.values())
    for name, steps in taken.items():
        assert steps == expected["/".join(name.split("/")[2:4])], name


@pytest.mark.parametrize(
    ("usual", "own", "steps"),
    [
        ({"steps": 40}, {"epochs": 0.5}, 2),
        ({"epochs": 2}, {"steps": 3}, 3),
        ({"epochs": 2}, {"learning_rate": 0.1}, 8),
        ({"epochs": 2}, {"batch_size": 5}, 13),
    ],
)
def test_a_methods_own_length_takes_the_place_of_the_studys(usual, own, steps):
    study = copy.deepcopy(SMOKE)
    study["training"] = {"learning_rate": 1e-2, "batch_size": 8, **usual}
    study["grid"][0]["samples"] = [32]
    study["methods"]["sft"]["training"] = own
    taken = steps_taken(study)
    assert {taken[name] for name in taken if "/sft/" in name} == {steps}


@pytest.mark.parametrize(
    ("usual", "own", "expected"),
    [
        ({"schedule": "step", "decay": 0.5}, None, ("step", 0.5, 4)),
        ({"schedule": "step", "decay": 0.5, "decay_every": 3}, None, ("step", 0.5, 3)),
        ({"schedule": "step", "decay": 0.5}, {"schedule": "linear"}, ("linear", None, None)),
        ({}, {"schedule": "step", "decay": 0.9}, ("step", 0.9, 4)),
    ],
)
def test_a_rate_that_falls_in_steps_does_so_after_each_pass(usual, own, expected):
    study = copy.deepcopy(SMOKE)
    study["training"] |= usual
    study["grid"][0]["samples"] = [32]
    if own:
        study["methods"]["sft"]["training"] = own
    runs = [node.spec.params["training"] for node in planned(study).of_rule("tune_adapter")]
    told = [tuple(run.get(key) for key in ("schedule", "decay", "decay_every")) for run in runs]
    assert expected in told


def test_inputs_come_before_what_reads_them():
    seen: set[str] = set()
    for node in planned(SMOKE):
        assert set(node.spec.inputs.values()) <= seen
        seen.add(node.digest)


def test_the_paired_methods_share_mixture_seed_and_checkpoint():
    tuned = planned(SMOKE).of_rule("tune_adapter")
    assert len({node.spec.inputs["mixture"] for node in tuned}) == 1
    assert len({str(node.spec.params["training"]) for node in tuned}) == 1


@pytest.mark.parametrize(
    "config", ["config.yaml", "studies/smoke.yaml", "studies/asft-llama2-7b-reference.yaml"]
)
def test_every_planned_step_understands_its_params(config, monkeypatch):
    monkeypatch.chdir(ROOT)
    for node in (each for each in open_workflow([ROOT / config]).graph if not each.unlocked):
        step = importlib.import_module(f"safebasin.steps.{node.rule}")
        shapes = [
            value
            for _, value in inspect.getmembers(step, dataclasses.is_dataclass)
            if value.__module__ == step.__name__
        ]
        folder = ROOT / "nowhere"
        job = Job(digest=node.digest, raw_params=node.spec.params, inputs={}, folder=folder)
        understood = [shape for shape in shapes if accepts(job, shape)]
        assert understood or not node.spec.params, (node.rule, node.spec.params)


def accepts(job, shape):
    try:
        job.params(shape)
    except ValidationError:
        return False
    return True


def test_a_long_spec_goes_by_a_file_and_comes_back(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cells = [{"name": f"cell {index}", "value": index} for index in range(4000)]
    long = Spec(kind="evaluation", code="evaluate_study/1", params={"cells": cells})
    short = Spec(kind="evaluation", code="evaluate_study/1", params={"cells": cells[:3]})
    lay_long_specs([long, short], tmp_path)
    assert [path.stem for path in tmp_path.rglob("*.json")] == [long.digest]
    for spec in (long, short):
        assert len(pack_spec(spec)) <= LONGEST
        assert unpack_spec(pack_spec(spec)).digest == spec.digest


def test_a_spec_file_that_was_changed_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    long = Spec(kind="evaluation", params={"cells": list(range(40_000))})
    lay_long_specs([long], tmp_path)
    (path,) = tmp_path.rglob("*.json")
    path.write_text(path.read_text().replace("39999", "39998"))
    with pytest.raises(RequestError, match=long.digest):
        unpack_spec(pack_spec(long))


@pytest.mark.parametrize("sign", ["x", "ä", "漢", "🙂", "'", '"', "\\"])
@pytest.mark.parametrize("signs", [1_000, 9_000, 30_000, 70_000])
def test_any_spec_and_any_origin_is_short_on_a_command_line(tmp_path, monkeypatch, sign, signs):
    monkeypatch.chdir(tmp_path)
    spec = Spec(kind="source", params={"files": [{"name": sign * signs}]})
    origin = {"folder": sign * signs}
    lay_long_specs([spec], tmp_path)
    lay_long_texts([origin_text(origin)], tmp_path)
    told, where = pack_spec(spec), pack_text(origin_text(origin))
    assert len(shlex.join(["bash", told, where]).encode()) < 100_000
    assert unpack_spec(told) == spec
    assert json.loads(unpack_text(where)) == origin


def test_a_spec_file_that_is_torn_or_missing_is_told_and_laid_anew(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    long = Spec(kind="evaluation", params={"cells": list(range(40_000))})
    for spoil in (lambda path: path.unlink(), lambda path: path.write_bytes(b"\xff")):
        lay_long_specs([long], tmp_path)
        spoil(*tmp_path.rglob("*.json"))
        with pytest.raises(RequestError, match="start again"):
            unpack_spec(pack_spec(long))
    lay_long_specs([long], tmp_path)
    assert unpack_spec(pack_spec(long)) == long


def test_a_source_is_its_bytes_wherever_they_come_from():
    files = (("a.txt", "0" * 64, 3),)
    study = load_study([ROOT / "config.yaml"])
    digests = []
    for origin in ({"folder": "x"}, {"pypi": "a==1", "archive": "wheel"}):
        pins = {name: Pinned(origin=origin, files=files) for name in study.sources}
        graph = plan(study, pins, codes)
        digests.append({node.digest for node in graph.of_rule("fetch_source")})
    assert digests[0] == digests[1]
    assert len(digests[0]) == 1


def test_the_recorded_code_names_every_step_and_part():
    book = CodeBook()
    names = set(book.names())
    assert {"tune_adapter:asft", "tune_adapter:ridge", "judge_responses:phrases"} <= names
