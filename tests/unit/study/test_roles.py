"""Whatever a study plans, each job's inputs are those of the table, and its rule waits for them."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from safebasin.store.kinds import RULES
from safebasin.study.graph import Graph
from safebasin.study.load import merge, read_layers, validate
from safebasin.study.plan import Pinned, plan

ROOT = Path(__file__).resolve().parents[3]
STUDIES = [
    ROOT / "config.yaml",
    *sorted((ROOT / "studies").glob("*.yaml")),
    *sorted((ROOT / "examples").glob("*/study.yaml")),
]
ADAPTER = {"method": "sft", "training": {"learning_rate": 1e-3, "steps": 2, "max_length": 512}}
SERVER = {"type": "openai_compatible", "params": {"base_url": "http://127.0.0.1", "model": "m"}}
LAYERS: dict[str, dict[str, Any]] = {
    "replies of an earlier search": {
        "sources": {"kept": {"folder": "kept", "files": ["*"]}},
        "searches": {"grammar": {"generator": SERVER | {"replies": "kept"}}},
    },
    "a generator that is a model": {
        "searches": {"grammar": {"generator": {"type": "local_lm", "checkpoint": "tiny"}}}
    },
    "a search in several jobs": {"searches": {"grammar": {"rounds": 3, "rounds_per_job": 1}}},
    "an agent that is an adapter": {"agents": {"dojo": {"tunings": {"low rank": ADAPTER}}}},
    "a judge that people check": {
        "corpora": {
            "told": {
                "source": "kept",
                "reader": {"type": "csv", "columns": {"prompt": "p", "response": "r"}},
            }
        },
        "sources": {"kept": {"folder": "kept", "files": ["*"]}},
        "judges": {"phrases": {"calibration": "told"}},
    },
}


class AnyPin(dict[str, Pinned]):
    """Every source, as if it were locked."""

    def __missing__(self, name: str) -> Pinned:
        return Pinned(origin={"folder": name}, files=((f"{name}.bin", "0" * 64, 10),))


def planned(raw: dict[str, Any]) -> Graph:
    return plan(validate(raw), AnyPin(), lambda step, part: f"{step}:{part}/1")


def waited_for() -> dict[str, dict[str, bool]]:
    """Return rule to the roles that its file waits for, and whether each may occur often."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "rules").glob("*.smk"))
    found: dict[str, dict[str, bool]] = defaultdict(dict)
    for block in re.split(r"^rule ", text, flags=re.MULTILINE)[1:]:
        name = block.partition(":")[0]
        for many, role in re.findall(r'PLAN\.parent(s?)\("(\w+)"\)', block):
            found[name][role] = bool(many)
    return found


def wrong_roles(graph: Graph) -> list[str]:
    """Return every input of a job that the table or the rule does not know, or that is missing."""
    rules, wrong = waited_for(), []
    for node in graph:
        table = RULES[node.rule].roles
        needed = {role for role in table if not role.endswith(("?", ".*"))}
        wrong += [f"{node.name} lacks {role}" for role in needed - set(node.spec.inputs)]
        for role, digest in node.spec.inputs.items():
            head, dot, _ = role.partition(".")
            ways = {f"{head}.*"} if dot else {head, f"{head}?"}
            if not ways & set(table):
                wrong.append(f"{node.name}: {role} is not in the table")
            elif RULES[node.rule].kind_of(role) != graph.nodes[digest].kind:
                wrong.append(f"{node.name}: {role} is a {graph.nodes[digest].kind}")
            if rules[node.rule].get(head) != bool(dot):
                wrong.append(f"{node.name}: its rule does not wait for {role}")
    return wrong


@pytest.mark.parametrize("file", STUDIES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_roles_of_every_shipped_study_are_those_of_the_table_and_of_the_rules(file):
    assert wrong_roles(planned(read_layers(file))) == []


@pytest.mark.parametrize("layer", LAYERS)
def test_the_roles_of_what_no_shipped_study_asks_for_are_known_too(layer):
    smoke = read_layers(ROOT / "studies" / "smoke.yaml")
    assert wrong_roles(planned(merge(smoke, LAYERS[layer]))) == []


def test_every_role_of_the_table_is_played_in_some_study_here():
    smoke = read_layers(ROOT / "studies" / "smoke.yaml")
    studies = [read_layers(file) for file in STUDIES]
    studies += [merge(smoke, layer) for layer in LAYERS.values()]
    played = {
        (node.rule, role.partition(".")[0])
        for raw in studies
        for node in planned(raw)
        for role in node.spec.inputs
    }
    known = {
        (rule.name, role.removesuffix("?").removesuffix(".*"))
        for rule in RULES.values()
        for role in rule.roles
    }
    assert known - played == set()
