"""A golden record of the smoke study: an edit that is declared neutral must not move it.

Rows are compared to the byte; on the processor of the record also numbers from training, to 1 part
in 1,000, and what follows from them. Another processor rounds otherwise, and two hundred steps of
training make much of it. After an edit that is meant to move them:
``python -m tests.e2e.test_golden STORE``.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from safebasin.store.store import Store
from safebasin.workflow import Workflow, open_workflow

from ..workflow import ROOT, SMOKE

GOLDEN = ROOT / "tests" / "golden" / "smoke.json"


def record(workflow: Workflow) -> dict[str, object]:
    """Return readable name to what must stay as it is: a digest, or a list."""
    found: dict[str, object] = {}
    for node in workflow.graph:
        artifact = workflow.store.find(node.spec)
        assert artifact is not None, node.name
        kind = node.rule if node.rule in READERS else node.kind
        if node.kind in ("corpus", "split", "mixture"):
            found[node.name] = artifact.files["rows.parquet"].sha256
        elif kind in READERS:
            found[node.name] = READERS[kind](artifact.folder)
    return found


def processor(workflow: Workflow) -> object:
    """Return what the adapters were trained on."""
    found = {
        str(workflow.store.find(each.spec).run()["processor"])
        for each in workflow.graph.of_rule("tune_adapter")
    }
    return sorted(found)


def kind_of_processor() -> list[str]:
    """Return what tells this processor from others of its name, which round otherwise.

    Virtual machines call processors of many years "AMD EPYC".
    """
    told = Path("/proc/cpuinfo").read_text(encoding="utf-8").partition("\n\n")[0]
    facts = dict(re.findall(r"(.+?)\s*: (.*)", told))
    numbers = [f"{name} {facts[name]}" for name in ("cpu family", "model") if name in facts]
    sets = re.findall(r"\b(?:avx|fma|amx)\w*", facts.get("flags", ""))
    return [*numbers, *sorted(set(sets))]


def losses(folder: Path) -> list[float]:
    """Return the first and the last loss of a training."""
    column = pq.read_table(folder / "history.parquet")["cross_entropy"]
    return [column[0].as_py(), column[-1].as_py()]


def weights(folder: Path) -> list[float]:
    """Return the figures of an adapter's weights."""
    measured = json.loads((folder / "measure.json").read_text(encoding="utf-8"))
    return [measured["norm_ba"], measured["anchor_share"]]


def norms(folder: Path) -> list[float]:
    """Return the norms of a direction."""
    spectrum = pq.read_table(folder / "spectrum.parquet")
    return sorted({round(value, 6) for value in spectrum["norm_d"].to_pylist()})


def candidates(folder: Path) -> list[object]:
    """Return the text, perf and refusal of every prefix of a search, then the winner."""
    rows = pq.read_table(folder / "candidates.parquet").to_pylist()
    told = json.loads((folder / "prefix.json").read_text(encoding="utf-8"))
    scored = [[row["prefix"], row["perf"], row["refusal"]] for row in rows]
    return [*scored, told["winner"]["prefix"]]


def deeds(folder: Path) -> list[object]:
    """Return the size of every turn's prompt and its action, then why each episode ended."""
    turns = pq.read_table(folder / "turns.parquet").to_pylist()
    episodes = pq.read_table(folder / "episodes.parquet")
    return [
        *([turn["prompt_tokens"], turn["action"]] for turn in turns),
        *episodes["stop"].to_pylist(),
    ]


def accuracy(folder: Path) -> list[float]:
    """Return the share of held-out tasks that a probe gets right at its headline layer."""
    headline = json.loads((folder / "probe.json").read_text(encoding="utf-8"))["headline"]
    rows = pq.read_table(folder / "probe.parquet").to_pylist()
    wanted = ("accuracy", headline, None)
    return [row["value"] for row in rows if (row["measure"], row["layer"], row["kind"]) == wanted]


READERS: dict[str, Callable[[Path], list[Any]]] = {
    "tune_adapter": losses,
    "tune_checkpoint": losses,
    "measure": weights,
    "direction": norms,
    "prefix": candidates,
    "episodes": deeds,
    "probe": accuracy,
}
"""What is read of an artifact, by its rule or its kind."""


def test_the_smoke_study_gives_what_it_gave(inside):
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    workflow = open_workflow([SMOKE], store=Path("store"))
    got = record(workflow)
    here = [processor(workflow), kind_of_processor()]
    is_here = here == [golden["processor"], golden.get("kind_of_processor")]
    assert set(got) == set(golden["found"])
    for name, wanted in golden["found"].items():
        if not is_here and not isinstance(wanted, str):
            continue
        # A task that lies next to a probe's border may fall on its other side.
        assert alike(got[name], wanted, 1e-2 if name.startswith("probe/") else 1e-3), name


def alike(got: object, wanted: object, near: float = 1e-3) -> bool:
    """Return whether fractions are about the same and all else is the same."""
    if isinstance(wanted, list):
        return (
            isinstance(got, list)
            and len(got) == len(wanted)
            and all(alike(*pair, near) for pair in zip(got, wanted, strict=True))
        )
    if isinstance(wanted, float):
        return bool(got == pytest.approx(wanted, rel=near, abs=1e-6))
    return got == wanted


def test_a_moved_number_and_another_word_are_seen():
    golden = [["a prefix", 0.5], None]

    assert alike([["a prefix", 0.50001], None], golden)
    assert not alike([["a prefix", 0.51], None], golden)
    assert not alike([["another", 0.5], None], golden)
    assert not alike([["a prefix", None], None], golden)
    assert not alike([["a prefix", 0.5]], golden)


if __name__ == "__main__":
    workflow = open_workflow([ROOT / SMOKE], store=Store(Path(sys.argv[1])).root)
    GOLDEN.parent.mkdir(exist_ok=True)
    told = {
        "processor": processor(workflow),
        "kind_of_processor": kind_of_processor(),
        "found": record(workflow),
    }
    GOLDEN.write_text(json.dumps(told, indent=1, sort_keys=True) + "\n", encoding="utf-8")
