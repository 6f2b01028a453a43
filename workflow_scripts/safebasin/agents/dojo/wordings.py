"""How tasks are said and what the expert remarks; one set for every kind of object."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import cast

import yaml

FILE = "wordings.yaml"


@cache
def _file() -> Mapping[str, Mapping[str, list[str]]]:
    text = (Path(__file__).parent / FILE).read_text(encoding="utf-8")
    return cast(Mapping[str, Mapping[str, list[str]]], yaml.safe_load(text))


def instructions(site: str) -> tuple[str, ...]:
    """Return the templates of a site's operation, with {object} and perhaps {person}."""
    return tuple(_file()["instructions"][site])


def late_instructions(shape: str) -> tuple[str, ...]:
    """Return the templates that name no object, of a "list" or a "mail" with {sender}."""
    return tuple(_file()["late"][shape])


def comments(move: str) -> tuple[str, ...]:
    """Return what the expert may say before a move."""
    return tuple(_file()["comments"][move])
