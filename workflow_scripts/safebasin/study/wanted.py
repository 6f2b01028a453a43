"""What the evaluation will take of each split and each set of verdicts, told beforehand.

A step that makes them looks whether it is there, so that a study whose rows are not what it asks
for stops before its models are tuned and asked, and not at its last table. It is no part of a spec:
what is made is the same, whatever will be taken of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from safebasin.store.canonical import Json
from safebasin.study.graph import Graph

Wanted = dict[str, Json]
_TAKEN = ("name", "part", "corpora", "categories")


def wanted_of(graph: Graph) -> dict[str, list[Wanted]]:
    """Return digest to the evaluation sets that are taken from it, for splits and verdicts."""
    if graph.evaluation is None:
        return {}
    spec = graph.nodes[graph.evaluation].spec
    told = cast("Mapping[str, Any]", spec.params)
    found: dict[str, list[Wanted]] = {}
    for cell in told["cells"]:
        for eval_set in told["eval_sets"]:
            role = cell["verdicts"].get(eval_set["verdicts"])
            if role is not None:
                _enter(graph, spec.inputs[f"verdicts.{role}"], eval_set, found)
    return found


def _enter(
    graph: Graph, verdicts: str, eval_set: Mapping[str, Any], found: dict[str, list[Wanted]]
) -> None:
    """Note the set for its verdicts and, where models answered a split, for the split."""
    node = graph.nodes[verdicts]
    responses = node.spec.inputs.get("responses")
    if responses is None:
        return  # an agent's tasks are known by their world
    _add(found, verdicts, dict(eval_set))
    taken: Wanted = {key: eval_set[key] for key in _TAKEN if key in eval_set}
    judge = cast("Mapping[str, Json]", node.spec.params["judge"])
    if eval_set["metrics"] == "accuracy" and judge["type"] == "label":
        taken["labels"] = judge["labels"]
    split = graph.nodes[responses]
    asked = cast("list[Json]", split.spec.params["corpora"])
    taken.setdefault("corpora", asked)
    _add(found, split.spec.inputs["prompts"], taken)


def _add(found: dict[str, list[Wanted]], digest: str, wanted: Wanted) -> None:
    before = found.setdefault(digest, [])
    if wanted not in before:
        before.append(wanted)
