"""What means nothing makes nothing: the order of a set, the name of a thing."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Iterator
from itertools import permutations
from typing import Any

import pytest
import yaml
from pydantic import BaseModel, TypeAdapter
from safebasin.corpora.mixing import MixturePart, mix_rows
from safebasin.judging.label import parse_label
from safebasin.study import agents, checkpoints, config, methods, probe, readers, training
from safebasin.study.base import PluginFiles
from safebasin.study.graph import Graph
from safebasin.study.load import read_layers, validate
from safebasin.study.plan import Pinned, plan

from ...workflow import ROOT

MODULES = (agents, checkpoints, config, methods, probe, readers, training)
TABLES = {"evaluate_study", "render_report"}
"""These tell of a study as it is written: in its order, with its names."""

STUDY: dict[str, Any] = {
    "sources": {
        "rows": {"folder": "rows", "files": ["b.csv", "a.csv"], "optional": ["d.csv", "c.csv"]},
        "hub": {
            "hub": {"repo": "a/b", "revision": "a" * 40, "mirrors": ["https://b", "https://a"]},
            "files": ["*"],
        },
    },
    "corpora": {
        "table": {
            "source": "rows",
            "reader": {
                "type": "csv",
                "columns": {"prompt": "p"},
                "where": {"kind": ["b", "a", 2, 1, True]},
                "exclude": {"kind": ["d", "c"]},
            },
        }
    },
    "splits": {"other": {"corpora": ["words", "table"], "parts": {"test": {"table": "rest"}}}},
    "prompts": {"other": {"split": "other", "corpora": ["table"], "judge": "phrases"}},
    "eval_sets": {
        "more": {"prompts": "other", "categories": ["b", "a"], "metrics": "refusal"},
    },
}
"""What the smoke study has not, so that each list of a study is written somewhere."""

BLOCK: dict[str, Any] = {
    "pairs": ["tiny"],
    "tasks": ["words"],
    "samples": [16],
    "harmful_fractions": [0.25],
    "methods": ["sft"],
    "seeds": [0],
}
COMPARED = ["sft", "asft", "ridge"]
SAFETY, WORDS, MORE = (
    {"split": "everything", "rows": 8, "response": response} | told
    for response, told in (
        ("refusal", {"part": "align", "corpus": "requests", "source": "safety"}),
        ("given", {"part": "train", "corpus": "words", "source": "task"}),
        ("self", {"part": "dev", "corpus": "words", "source": "benign"}),
    )
)
FREE: dict[str, tuple[str, list[Any]]] = {
    "Source.files": ("sources.rows.files", ["b.csv", "a.csv"]),
    "Source.optional": ("sources.rows.optional", ["d.csv", "c.csv"]),
    "Hub.mirrors": ("sources.hub.hub.mirrors", ["https://b", "https://a"]),
    "Alignment.targets": (
        "checkpoints.tiny-aligned.align.targets",
        ["q_proj", "up_proj", "lm_head"],
    ),
    "Alignment.rows": ("checkpoints.tiny-aligned.align.rows", [SAFETY, WORDS, MORE]),
    "Lora.targets": ("lora.targets", ["q_proj", "self_attn.k_proj"]),
    "Tuning.targets": ("agents.dojo.tunings.stopped.targets", ["down_proj", "k_proj"]),
    "Table.where": ("corpora.table.reader.where.kind", ["b", "a", 2, 1, True, "true"]),
    "Table.exclude": ("corpora.table.reader.exclude.kind", ["d", "c"]),
    "Split.corpora": ("splits.everything.corpora", ["words", "requests"]),
    "Judge.labels": ("judges.words.labels", ["tool", "animal", "plant"]),
    "Prompts.parts": ("prompts.requests.parts", ["dev", "test"]),
    "Prompts.corpora": ("prompts.requests.corpora", ["words", "requests"]),
    "EvalSet.corpora": ("eval_sets.requests.corpora", ["words", "requests"]),
    "EvalSet.categories": ("eval_sets.requests.categories", ["b", "a"]),
    "Block.pairs": ("grid.0.pairs", ["tiny", "second"]),
    "Block.tasks": ("grid.0.tasks", ["words", "second"]),
    "Block.samples": ("grid.0.samples", [16, 32]),
    "Block.harmful_fractions": ("grid.0.harmful_fractions", [0.25, 0.5]),
    "Block.methods": ("grid.0.methods", ["sft", "asft", "ridge"]),
    "Block.seeds": ("grid.0.seeds", [0, 1]),
    "Study.grid": ("grid", [BLOCK | {"methods": COMPARED}, BLOCK | {"samples": [20]}]),
    "_Penalty.lambda_": ("methods.ridge.lambda", [1, 2]),
    "Choice.refusal": ("choice.refusal", ["requests dev", "second dev"]),
    "Contrast.eval_sets": ("contrast.eval_sets", ["requests", "more"]),
    "Agent.seeds": ("agents.dojo.seeds", [0, 1]),
    "Agent.guards": ("agents.dojo.guards", ["none", "ping", "neutral"]),
    "Probe.layers": ("agents.dojo.probe.layers", [2, 0.5, 1]),
    "Probe.guards": ("agents.dojo.probe.guards", ["ping", "neutral"]),
    "Steering.layers": ("agents.dojo.probe.steering.layers", [1, 2]),
    "Steering.coefficients": ("agents.dojo.probe.steering.coefficients", [0, 10, 5]),
}
"""A list whose order changes no row and no weight: where the study has one, and what is in it."""

OWN = ("Plugin.files", "PluginReader.files", "Guard.files", "Judge.files", "Plugin.sweep")
"""Lists of plug-ins: their files are put in order as they are read, and each strength is a run."""

BOUND = {
    "Demonstrations.rows": "demonstrations.expert.rows",  # each draws with its place
    "Agent.search_seeds": "agents.dojo.search_seeds",  # drawn comments go to the winners in turn
}
"""A list whose order does change something."""


def lists() -> Iterator[str]:
    """Yield every list that a study may hold, as ``Model.field``."""
    for module in MODULES:
        for name, model in inspect.getmembers(module, inspect.isclass):
            if issubclass(model, BaseModel) and model.__module__ == module.__name__:
                for field, told in model.model_fields.items():
                    own = field in vars(model).get("__annotations__", {})
                    if own and "tuple" in repr(told.annotation):
                        yield f"{name}.{field}"


@pytest.fixture
def study(smoke: dict[str, Any]) -> dict[str, Any]:
    """The smoke study with what it lacks, and a short grid."""
    for section, named in STUDY.items():
        smoke.setdefault(section, {}).update(copy.deepcopy(named))
    smoke["pairs"]["second"] = {"aligned": "tiny-aligned", "base": "tiny"}
    smoke["tasks"]["second"] = {"split": "everything", "corpus": "words"}
    smoke["eval_sets"]["second dev"] = smoke["eval_sets"]["requests dev"]
    smoke["grid"] = [copy.deepcopy(BLOCK) | {"methods": ["sft", "asft", "ridge"]}]
    rows = smoke["demonstrations"]["expert"]["rows"]
    rows.append({**rows[0], "rows": 2})
    smoke["guards"]["neutral"]["draws"] = 3
    smoke["agents"]["dojo"]["search_seeds"] = [0, 1]
    return smoke


def planned(raw: dict[str, Any]) -> Graph:
    study = validate(raw)
    files = tuple((file, "0" * 64, 1) for file in ("a.csv", "b.csv"))
    pins = {name: Pinned(origin={}, files=files) for name in study.sources}
    return plan(study, pins, lambda step, part: f"{step}:{part}/1")


def made(graph: Graph) -> set[str]:
    """Return the digests of all that is made but the tables over the whole study."""
    return {node.digest for node in graph if node.rule not in TABLES}


def at(study: Any, path: str) -> tuple[Any, str | int]:
    """Return what holds the value at ``path``, and the last key."""
    *home, last = path.split(".")
    for key in home:
        study = study[int(key) if isinstance(study, list) else key]
    return study, last


def test_of_every_list_it_is_said_what_its_order_means():
    assert set(lists()) == FREE.keys() | BOUND.keys() | {*OWN}


def test_the_files_of_a_plug_in_are_a_set():
    read = TypeAdapter(PluginFiles).validate_python
    assert read(["b/c", "a.txt", "./a.txt", "b//c"]) == ("a.txt", "b/c")


@pytest.mark.parametrize("name", FREE)
def test_an_order_that_means_nothing_makes_nothing(study, name):
    path, values = FREE[name]
    found = []
    for order in (values, values[::-1]):
        parent, key = at(study, path)
        parent[int(key) if isinstance(parent, list) else key] = order
        found.append(made(planned(study)))
    assert found[0] == found[1]


@pytest.mark.parametrize("path", BOUND.values(), ids=BOUND)
def test_an_order_that_draws_makes_again(study, path):
    before = made(planned(study))
    parent, key = at(study, path)
    parent[key].reverse()
    assert made(planned(study)) != before


NAMED = {
    "sources": "rows",
    "checkpoints": "tiny-aligned",
    "pairs": "tiny",
    "splits": "everything",
    "tasks": "words",
    "methods": "sft",
    "judges": "words",
    "prompts": "requests",
    "eval_sets": "requests",
    "worlds": "dojo",
    "demonstrations": "expert",
    "searches": "grammar",
    "agents": "dojo",
}
"""Section to a name in it that only names, and draws nothing."""


def renamed(study: Any, old: str, new: str, section: str) -> Any:
    """Return the study with one name changed where it is defined and where it is referred to."""
    fields = {
        "sources": ("source", "replies"),
        "checkpoints": ("base", "aligned", "checkpoint"),
        "pairs": ("pair", "pairs"),
        "splits": ("split",),
        "tasks": ("task", "tasks"),
        "methods": ("method", "methods", "of", "treatment", "control"),
        "judges": ("judge",),
        "prompts": ("prompts",),
        "eval_sets": ("refusal", "accuracy", "eval_sets"),
        "worlds": ("world",),
        "demonstrations": ("demonstrations",),
        "searches": ("search",),
        "guards": ("guards",),
    }.get(section, ())

    def walk(value: Any, key: str) -> Any:
        if isinstance(value, dict):
            return {
                (new if key == section and each == old else each): walk(inner, each)
                for each, inner in value.items()
            }
        if isinstance(value, list):
            return [walk(inner, key) for inner in value]
        return new if key in fields and value == old else value

    return {
        key: walk(
            {new if key == section and name == old else name: told for name, told in value.items()},
            "",
        )
        if isinstance(value, dict)
        else walk(value, key)
        for key, value in study.items()
    }


@pytest.mark.parametrize("section", NAMED)
def test_a_name_that_only_names_makes_nothing(study, section):
    other = renamed(study, NAMED[section], "another name", section)
    assert "another name" in other[section]
    assert made(planned(other)) == made(planned(study))


@pytest.mark.parametrize(
    "path", ["config.yaml", "studies/asft-llama2-7b-reference.yaml", "examples/own_task/study.yaml"]
)
def test_no_study_that_comes_with_the_project_draws_by_a_name_of_its_own(path):
    study = read_layers(ROOT / path)
    before = made(planned(study))
    for number, split in enumerate(list(study["splits"])):
        study = renamed(study, split, f"split number {number}", "splits")
    assert "split number 0" in yaml.safe_dump(study)
    assert made(planned(study)) == before


def test_two_splits_of_one_corpus_stay_two_whatever_they_are_called(smoke):
    twice = smoke["splits"]["everything"]
    smoke["splits"]["again"] = twice | {"seed": 1}
    rows = smoke["checkpoints"]["tiny-aligned"]["align"]["rows"]
    rows[1]["split"] = "again"
    graph = planned(smoke)
    (mixture,) = (node for node in graph.of_rule("mix_corpora") if "align" in node.name)
    assert len(set(mixture.spec.inputs.values())) == 2
    others = renamed(renamed(smoke, "again", "b", "splits"), "everything", "a", "splits")
    assert made(planned(others)) == made(graph)


@pytest.mark.parametrize(
    "labels",
    [
        ["entailment", "not entailment", "neutral"],
        ["C", "C++", "C#"],
        ["-1", "1", "0"],
        ["New York", "New York City", "York"],
    ],
    ids=str,
)
def test_a_judge_hears_the_same_whatever_the_order_of_its_labels(labels):
    answers = [*labels, *(f"{label}, {labels[0]}" for label in labels), "not-entailment", "c ++"]
    heard = {
        tuple(parse_label(answer, order) for answer in answers) for order in permutations(labels)
    }
    assert len(heard) == 1


def test_rows_are_mixed_alike_whatever_the_order_of_the_parts():
    rows = [
        {
            "id": f"{corpus}/{number}",
            "split": "train",
            "corpus": corpus,
            "group": number,
            "messages": [{"role": "user", "content": f"{corpus} {number}"}],
            "response": "yes",
        }
        for corpus in ("a", "b", "c")
        for number in range(6)
    ]
    parts = [
        MixturePart(split="s", part="train", source=corpus, response="given", corpus=corpus, rows=4)
        for corpus in ("a", "b", "c")
    ]
    mixed = [mix_rows({"s": rows}, order, seed=3) for order in permutations(parts)]
    assert all(one == mixed[0] for one in mixed)
