"""An edit makes again exactly what depends on it; undoing it makes nothing."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from safebasin.store.code_identity import CodeBook
from safebasin.store.store import Store
from safebasin.study.load import validate
from safebasin.study.plan import Pinned, plan
from safebasin.study.yaml_reader import read_yaml

from ..workflow import SMOKE

Study = dict[str, Any]
EVERYTHING_AFTER = {"evaluation", "report"}
CELLS = ("base", "aligned", "sft", "asft-λ1", "ridge-λ1", "safe_lora-threshold1")
PLACE = "tiny/words/n32/p0.25"


def cell(method: str, seed: int = 0) -> str:
    """Return the readable name of a cell."""
    return f"tiny/words/{method}" if method in ("base", "aligned") else f"{PLACE}/{method}/s{seed}"


def answers(*methods: str, seed: int = 0) -> set[str]:
    """Return the names of these models' responses and of the two verdicts on them."""
    kinds = ("responses/requests", "verdicts/requests", "verdicts/words")
    return {f"{kind}/{cell(method, seed)}" for method in methods for kind in kinds}


def adapters(*methods: str, seed: int = 0) -> set[str]:
    """Return the names of these adapters, what is measured on them, and their answers."""
    own = {f"{kind}/{cell(method, seed)}" for method in methods for kind in ("adapter", "measure")}
    return own | answers(*methods, seed=seed)


def played_by(cell: str) -> set[str]:
    """Return the names of an agent's episodes and of the two verdicts on them."""
    kinds = ("episodes", "verdicts/dojo", "verdicts/dojo, a refusal ends")
    return {f"{kind}/{cell}" for kind in kinds}


def played(*guards: str) -> set[str]:
    """Return the same of the tuned agent behind these guards."""
    return {name for guard in guards for name in played_by(f"dojo/stopped/s0/{guard}")}


SEARCH = "prefix/dojo/stopped/s0/search0"
PROBE = "probe/dojo/stopped/s0"
AGENTS = (
    {"checkpoint/dojo/stopped/s0", SEARCH, PROBE}
    | played("none", "ping", "neutral")
    | played_by("dojo/aligned")
)
"""All that comes of the checkpoint that the agent is tuned from."""


def to_make(
    study: Study, store: Path, package: Path | None = None, pins: Mapping[str, Pinned] | None = None
) -> set[str]:
    """Return the readable names of all that is not in the store."""
    book = CodeBook(package) if package else CodeBook()
    graph = plan(validate(study), pins or {}, book.identity)
    held = Store(store)
    return {node.name for node in graph if not held.holds(node.kind, node.digest)}


def change(path: str, value: Any) -> Callable[[Study], None]:
    """Return an edit that sets the value at the dotted path."""
    *above, last = path.split(".")

    def edit(study: Study) -> None:
        node: Any = study
        for key in above:
            node = node[int(key)] if key.isdigit() else node[key]
        if last.isdigit():
            node[int(last)] = value
        else:
            node[last] = value

    return edit


def lambdas(value: float) -> Callable[[Study], None]:
    """Set λ of asft and of its control."""

    def edit(study: Study) -> None:
        for method in ("asft", "ridge"):
            study["methods"][method]["lambda"] = value

    return edit


def reorder(study: Study) -> None:
    """Turn the order of all top-level keys, and of the methods, around."""
    study["methods"] = dict(reversed(study["methods"].items()))
    for key in list(study):
        study[key] = study.pop(key)


def call_the_split_otherwise(study: Study) -> None:
    """Give the smoke study's split another key, wherever it is named."""
    text = json.dumps(study).replace('"everything"', '"whatever"')
    study.update(json.loads(text))


def swap_pair(study: Study) -> None:
    pair = study["pairs"]["tiny"]
    pair["base"], pair["aligned"] = pair["aligned"], pair["base"]


TUNED = ("sft", "asft-λ1", "ridge-λ1", "safe_lora-threshold1")

EDITS: dict[str, tuple[Callable[[Study], None], set[str]]] = {
    "nothing": (lambda study: None, set()),
    "the order of keys": (reorder, set()),
    "a whole number for a float": (change("training.learning_rate", 0.01), set()),
    "a default written out": (change("generation.precision", "float32"), set()),
    "a label": (change("checkpoints.tiny.label", "another name"), {"report"}),
    "the order of targets": (
        change("lora.targets", ["down_proj", "up_proj", "v_proj", "q_proj"]),
        set(),
    ),
    "the order of a judge's labels": (change("judges.words.labels", ["tool", "animal"]), set()),
    "the key of a split": (call_the_split_otherwise, {"report"}),
    "λ": (lambdas(2), adapters("asft-λ2", "ridge-λ2") | EVERYTHING_AFTER),
    "a seed added": (
        change("grid.0.seeds", [0, 1]),
        {"mixture/words/n32/p0.25/s1"} | adapters(*TUNED, seed=1) | EVERYTHING_AFTER,
    ),
    "a method removed": (change("grid.0.methods", ["sft", "asft", "ridge"]), EVERYTHING_AFTER),
    "the learning rate": (
        change("training.learning_rate", 0.006),
        adapters(*TUNED) | EVERYTHING_AFTER,
    ),
    "the rank": (change("lora.rank", 2), adapters(*TUNED) | EVERYTHING_AFTER),
    "the targets": (
        change("lora.targets", ["q_proj", "v_proj", "o_proj"]),
        {"direction/tiny"} | adapters(*TUNED) | EVERYTHING_AFTER,
    ),
    "the harmful fraction": (
        change("grid.0.harmful_fractions", [0]),
        {name.replace("p0.25", "p0") for name in adapters(*TUNED)}
        | {"mixture/words/n32/p0/s0"}
        | EVERYTHING_AFTER,
    ),
    "the threshold of Safe LoRA": (
        change("methods.safe_lora.threshold", 0.4),
        adapters("safe_lora-threshold0.4") | EVERYTHING_AFTER,
    ),
    "the projector": (
        change("methods.asft.projector", "reference_scaled"),
        adapters("asft-λ1") | EVERYTHING_AFTER,
    ),
    "the number of new tokens": (
        change("prompts.words.max_new_tokens", 9),
        {f"{kind}/words/{cell(method)}" for kind in ("responses", "verdicts") for method in CELLS}
        | EVERYTHING_AFTER,
    ),
    "the batch of generation": (
        change("generation.batch_size", 8),
        answers(*CELLS) | EVERYTHING_AFTER,
    ),
    "the search's k": (
        change("searches.grammar.keep", 4),
        {SEARCH, PROBE} | played("ping", "neutral") | EVERYTHING_AFTER,
    ),
    "where the prefix goes": (
        change("guards.ping.placement", "suffix"),
        {PROBE} | played("ping") | EVERYTHING_AFTER,
    ),
    "when an agent's tuning stops": (
        change("agents.dojo.tunings.stopped.stop.every", 2),
        {"checkpoint/dojo/stopped/s0", SEARCH, PROBE}
        | played("none", "ping", "neutral")
        | EVERYTHING_AFTER,
    ),
    "a guard removed": (change("agents.dojo.guards", ["none"]), {PROBE} | EVERYTHING_AFTER),
    "the number of test tasks": (
        change("agents.dojo.tasks.harmful", 3),
        {PROBE} | played("none", "ping", "neutral") | played_by("dojo/aligned") | EVERYTHING_AFTER,
    ),
    "the title": (change("title", "Another title"), {"report"}),
    "the equivalence margin": (change("contrast.margin", 0.1), EVERYTHING_AFTER),
    "a swapped pair": (
        swap_pair,
        {"direction/tiny"} | adapters(*TUNED) | EVERYTHING_AFTER,
    ),
    "the seed of the tiny model": (
        change("checkpoints.tiny.tiny.seed", 1),
        {"checkpoint/tiny", "checkpoint/tiny-aligned", "direction/tiny"}
        | adapters(*TUNED)
        | answers("base", "aligned")
        | AGENTS
        | EVERYTHING_AFTER,
    ),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_makes_exactly_what_depends_on_it_and_undoing_it_nothing(inside, edit):
    act, expected = EDITS[edit]
    study = read_yaml(SMOKE)
    edited = copy.deepcopy(study)
    act(edited)
    assert to_make(edited, Path("store")) == expected
    assert to_make(study, Path("store")) == set()


CODE_EDITS: dict[str, tuple[str, str, str, set[str]]] = {
    # name: (file, old text, new text, what is made again)
    "a comment in a step": ("steps/judge_responses.py", "FILES:", "# a remark\nFILES:", set()),
    "a docstring": ("store/writers.py", '"""One canonical writer', '"""A canonical writer', set()),
    "code that no step runs": ("commands/show.py", '"made"', '"there"', set()),
    "a phrase of the judge": (
        "judging/phrases.yaml",
        "\n",
        "\n# one more\n",
        {f"verdicts/requests/{cell(method)}" for method in CELLS}
        | AGENTS.difference({"episodes/dojo/aligned"})
        | EVERYTHING_AFTER,
    ),
    "the penalty of asft": (
        "tuning/objectives/asft.py",
        "class ",
        "EDITED = 1\n\n\nclass ",
        adapters("asft-λ1") | EVERYTHING_AFTER,
    ),
    "the refusals that alignment teaches": (
        "corpora/refusals.yaml",
        "\n",
        "\n# one more\n",
        {"mixture/align/tiny-aligned", "mixture/words/n32/p0.25/s0"}
        | {"checkpoint/tiny-aligned", "direction/tiny"}
        | adapters(*TUNED)
        | answers("aligned")
        | AGENTS
        | EVERYTHING_AFTER,
    ),
}


@pytest.mark.parametrize("edit", CODE_EDITS)
def test_a_code_edit_makes_exactly_what_runs_it(inside, package_copy, edit):
    file, old, new, expected = CODE_EDITS[edit]
    path = package_copy / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    assert to_make(read_yaml(SMOKE), Path("store"), package_copy) == expected


def test_other_bytes_of_a_source_are_another_artifact_and_the_same_from_elsewhere_are_not(inside):
    study = read_yaml(SMOKE)
    study["sources"] = {"words": {"folder": "here", "files": ["*.jsonl"]}}
    study["corpora"]["words"] = {
        "source": "words",
        "reader": {"type": "jsonl", "columns": {"prompt": "p"}},
    }
    graphs = [
        plan(
            validate(study),
            {"words": Pinned(origin=origin, files=(("a.jsonl", sha256, 10),))},
            CodeBook().identity,
        )
        for origin, sha256 in (
            ({"folder": "here"}, "a" * 64),
            ({"folder": "there"}, "a" * 64),
            ({"folder": "here"}, "b" * 64),
        )
    ]
    here, there, other = (set(graph.nodes) for graph in graphs)
    assert here == there
    names = {graphs[2].nodes[digest].name for digest in other - here}
    assert {"source/words", "corpus/words", "split/everything", "report"} <= names
    assert "checkpoint/tiny" not in names
