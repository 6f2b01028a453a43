"""What can be said of a study although some of its values have the wrong type.

A mistyped value and a misspelt name are often in one file, and a user wants both told at once. So
the faulty parts are taken out, and the names that the rest refers to are checked.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from safebasin.study.check import check_references
from safebasin.study.config import Study
from safebasin.study.problems import Problem

_ROUNDS = 4
"""A part without a key that it needs goes too, so one fault may take a few rounds."""
_NEEDED = {"study": "unnamed", "training": {"learning_rate": 1.0, "steps": 1}}
"""Stands in for what no study can do without; no name is in it."""


def unknown_names(raw: Mapping[str, Any], error: ValidationError) -> list[Problem]:
    """Return references to names that are defined nowhere, in a study that does not validate.

    Nothing is said of the faulty parts, nor of what refers to them.

    Args:
        raw: The study as it was read.
        error: What pydantic found in it.
    """
    rest, removed = json.loads(json.dumps(raw)), set[object]()
    for _ in range(_ROUNDS):
        # From the back, so that a list's earlier places stay what they are called.
        for detail in reversed(error.errors(include_url=False)):
            removed.add(_remove(rest, detail["loc"]))
        try:
            study = Study.model_validate_json(json.dumps(_NEEDED | rest))
        except ValidationError as again:
            error = again
            continue
        found = check_references(study)
        return [each for each in found if each.is_unknown_name and each.value not in removed]
    return []


def _remove(raw: dict[str, Any], place: tuple[object, ...]) -> object:
    """Delete the innermost part of ``raw`` on the way to ``place``; return its key.

    pydantic also puts the names of a union's branches into the path; they are passed over.
    """
    inner: Any = raw
    holder: Any = None
    last: Any = None
    for part in place:
        if _has(inner, part):
            holder, last, inner = inner, part, inner[part]
    if holder is not None:
        del holder[last]
    return last


def _has(inner: object, part: object) -> bool:
    if isinstance(inner, dict):
        return part in inner
    return isinstance(inner, list) and isinstance(part, int) and part < len(inner)
