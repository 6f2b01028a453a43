"""The default study's artifacts, by readable name: what benchmarks of a real model are taken on."""

from __future__ import annotations

from pathlib import Path

from safebasin.workflow import open_workflow, store_folder

ROOT = Path(__file__).resolve().parents[1]
ALIGNED = "checkpoint/smollm2-refusing"
AGENT = "checkpoint/dojo/stopped/s0"
MIXTURE = "mixture/sentiment/n300/p0.2/s0"


def artifact(name: str, told: Path | None = None) -> Path:
    """Return the folder of the artifact that ``safebasin show`` calls ``name``, or ``told``.

    Raises:
        SystemExit: the study has no such artifact, or nobody has made it yet.
    """
    if told is not None:
        return told
    store = ROOT / store_folder()
    workflow = open_workflow([ROOT / "config.yaml"], store=store, lock=ROOT / "sources.lock.yaml")
    node = workflow.graph.by_name(name)
    if node is None:
        raise SystemExit(f"config.yaml has no {name}, which this is measured on")
    if not workflow.store.holds(node.kind, node.digest):
        raise SystemExit(f"{name} is not in {store}: run `make study` first, which makes it")
    return workflow.store.home(node.kind, node.digest)
