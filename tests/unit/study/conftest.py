from __future__ import annotations

import copy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from safebasin.study.yaml_reader import read_yaml

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def smoke() -> dict[str, Any]:
    """The smoke study as plain YAML values, to be edited."""
    return copy.deepcopy(_smoke())


@cache
def _smoke() -> dict[str, Any]:
    return read_yaml(ROOT / "studies" / "smoke.yaml")
