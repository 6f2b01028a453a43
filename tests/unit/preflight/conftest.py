"""A study of a pair on a loopback hub, locked, with a store that is empty."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from safebasin.models.tiny import CHAT_TEMPLATE
from safebasin.preflight.finding import Site
from safebasin.sources.fetch import lock_source, source_key
from safebasin.sources.lock import SourceLock
from safebasin.study.load import load_study
from safebasin.workflow import open_workflow, origin_of

from ...workflow import ROOT
from ..sources.hub_lookalike import HubLookalike

CONFIG = {
    "model_type": "llama",
    "hidden_size": 4096,
    "intermediate_size": 11008,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
}
STUDY = {
    "extends": str(ROOT / "studies" / "smoke.yaml"),
    "study": "paired",
    **dict.fromkeys(("worlds", "demonstrations", "searches", "guards", "agents")),
    "sources": {
        name: {
            "hub": {"repo": f"lab/{name}", "revision": "unlocked"},
            "files": ["*.json", "*.safetensors"],
        }
        for name in ("base", "chat")
    },
    "checkpoints": {
        "tiny": {"tiny": None, "source": "base", "format": "safetensors", "parameters": 10**9},
        "tiny-aligned": {
            "align": None,
            "source": "chat",
            "format": "safetensors",
            "parameters": 10**9,
        },
    },
}
Build = Callable[..., Site]


def checkpoint(mark: bytes = b"b", **config: Any) -> dict[str, bytes]:
    """The files of a checkpoint's repository; its weights are never opened here."""
    return {
        "config.json": json.dumps({**CONFIG, **config}).encode(),
        "tokenizer_config.json": json.dumps({"chat_template": CHAT_TEMPLATE}).encode(),
        "model.safetensors": mark * 5000,
    }


@pytest.fixture
def pair(hub: HubLookalike) -> HubLookalike:
    hub.add("lab/base", checkpoint(), commit="a" * 40)
    hub.add("lab/chat", checkpoint(b"c"), commit="b" * 40)
    return hub


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Build:
    """Return the function that plans the study with an edit laid over it."""
    monkeypatch.chdir(ROOT)

    def planned(edit: dict[str, Any] | None = None, *, locked: bool = True, **site: Any) -> Site:
        layers = [tmp_path / "study.yaml", tmp_path / "edit.yaml"]
        for layer, content in zip(layers, (STUDY, edit or {}), strict=True):
            layer.write_text(yaml.safe_dump(content))
        lock = SourceLock({})
        for source in load_study(layers).sources.values() if locked else ():
            origin = origin_of(source)
            entry = lock_source(origin, source.files, tmp_path / "work")
            lock = lock.with_entry(source_key(origin), entry)
        lock.save(tmp_path / "lock.yaml")
        workflow = open_workflow(layers, store=tmp_path / "store", lock=tmp_path / "lock.yaml")
        return Site(workflow=workflow, **site)

    return planned
