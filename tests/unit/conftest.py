"""Fixtures of several rooms: a tiny model, and a hub on loopback. A GPU is not seen here."""

from __future__ import annotations

import os

os.environ["CUDA_VISIBLE_DEVICES"] = ""  # read when torch first looks for one

from collections.abc import Iterator
from pathlib import Path

import pytest

from ..tiny_checkpoint import tiny
from .sources.hub_lookalike import HubLookalike

__all__ = ["tiny"]


@pytest.fixture(autouse=True)
def environment_stays() -> Iterator[None]:
    """What a test lets the program tell its children, no other test's children hear."""
    kept = dict(os.environ)
    yield
    for name in os.environ.keys() - kept.keys():
        del os.environ[name]
    os.environ.update(kept)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubLookalike]:
    """A hub on loopback that the real client takes for its own; cache and login are empty."""
    from huggingface_hub import close_session, constants
    from safebasin.sources import hub_client

    running = HubLookalike()
    template = f"{running.address}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    settings = {
        "ENDPOINT": running.address,
        "HUGGINGFACE_CO_URL_TEMPLATE": template,
        "HF_HUB_OFFLINE": False,
        "DOWNLOAD_CHUNK_SIZE": 1000,  # what the client writes at once; less is lost in a cut
        "HF_HUB_CACHE": str(tmp_path / "hf" / "hub"),
        "HF_TOKEN_PATH": str(tmp_path / "hf" / "token"),
    }
    for name, value in settings.items():
        monkeypatch.setattr(constants, name, value)
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(hub_client, "PAUSE", 0.0)
    close_session()
    yield running
    close_session()
    running.close()
