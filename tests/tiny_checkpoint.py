"""A tiny model that the tests of several folders share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a checkpoint with random weights. Do not change its files."""
    from safebasin.models.tiny import TinyLlama, write_tiny_llama

    folder = tmp_path_factory.mktemp("tiny")
    size = TinyLlama(hidden=32, layers=2, heads=4, vocabulary=320, seed=1)
    write_tiny_llama(size, "float32", folder)
    return folder
