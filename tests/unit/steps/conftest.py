"""A tiny model, for the steps that run one."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from safebasin.models.tiny import TinyLlama, write_tiny_llama

    folder = tmp_path_factory.mktemp("tiny")
    size = TinyLlama(hidden=32, layers=2, heads=4, vocabulary=320, seed=1)
    write_tiny_llama(size, "float32", folder)
    return folder
