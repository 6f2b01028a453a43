"""The phrases that tasks are about, by kind and part."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import cast

import yaml

from safebasin.agents.world import Kind, Part

FILE = "objects.yaml"


@cache
def _file() -> Mapping[str, object]:
    text = (Path(__file__).parent / FILE).read_text(encoding="utf-8")
    return cast(Mapping[str, object], yaml.safe_load(text))


def objects(part: Part, kind: Kind) -> tuple[str, ...]:
    """Return the phrases of a part and kind, in the order of the file; none where it has none."""
    parts = cast(Mapping[str, list[str]], _file()[kind])
    return tuple(parts.get(part, ()))


def fillers() -> tuple[str, ...]:
    """Return what stands beside the object on a page; no task asks for one of these."""
    return tuple(cast(list[str], _file()["fillers"]))


def without_article(phrase: str) -> str:
    """Return a phrase as a page lists it: "a desk lamp" is "desk lamp" there."""
    return re.sub(r"^(?:a|an|the) ", "", phrase)


def names(text: str, phrase: str) -> bool:
    """Return whether a text has the words of the phrase in a row, whatever their case."""
    return f" {_words(without_article(phrase))} " in f" {_words(text)} "


def _words(text: str) -> str:
    return " ".join(re.findall(r"[^\W_]+", text.casefold()))
