"""What can be said of a study although some of its values have the wrong type.

A mistyped value and a missing control are often in one file, and a user wants both told at once.
So the faulty parts are taken out, and the rest is checked as far as it does not depend on them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from safebasin.study.check import CHECKS
from safebasin.study.config import Study
from safebasin.study.place import has, place_of
from safebasin.study.problems import Problem

_ROUNDS = 4
"""A part without a key that it needs goes too, so one fault may take a few rounds."""
_NAMELESS = {"study": "unnamed"}
"""Stands in for what no study can do without; nothing refers to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """A study without its faulty parts."""

    study: Study
    faulty: frozenset[object]
    """The sections that something was taken out of."""
    removed: frozenset[object]
    """The names of what was taken out."""
    shapeless: frozenset[object]
    """The sections of which nobody can tell what names they were to have."""

    def problems(self) -> list[Problem]:
        """Return what is wrong with the rest, whatever the faulty parts should have been.

        A check that depends on a faulty section tells only names that are defined nowhere, and
        were not taken out; none where the section could have had any.
        """
        return [
            problem
            for check, sections in CHECKS.items()
            for problem in check(self.study)
            if self.faulty.isdisjoint(sections)
            or (
                problem.is_unknown_name
                and problem.value not in self.removed
                and self.shapeless.isdisjoint(sections)
            )
        ]


def salvage(raw: Mapping[str, Any], error: ValidationError) -> Rest | None:
    """Return the study without its faulty parts, or None where too little is left.

    Args:
        raw: The study as it was read.
        error: What pydantic found in it.
    """
    rest = json.loads(json.dumps(raw))
    faulty, removed, shapeless = set[object](), set[object](), set[object]()
    for _ in range(_ROUNDS):
        told = [detail["loc"] for detail in error.errors(include_url=False)]
        faulty.update(section for loc in told for section in loc[:1])
        places = [place_of(rest, loc) for loc in told]
        # From the back, so that a list's earlier places stay what they are called; each once,
        # since every branch of a union tells of the same place.
        for place in dict.fromkeys(reversed(places)):
            removed.update(place[-1:])
            gone = _remove(rest, place)
            if isinstance(gone, dict):
                removed.update(gone)
            elif len(place) == 1:
                shapeless.update(place)
        try:
            study = Study.model_validate_json(json.dumps(_NAMELESS | rest))
        except ValidationError as again:
            error = again
            continue
        return Rest(
            study=study,
            faulty=frozenset(faulty),
            removed=frozenset(removed),
            shapeless=frozenset(shapeless),
        )
    return None


def _remove(raw: Any, place: tuple[Any, ...]) -> Any:
    """Delete what is at ``place``, and return it; None where what holds it is gone already."""
    inner: Any = raw
    for part in place[:-1]:
        if not has(inner, part):
            return None
        inner = inner[part]
    return inner.pop(place[-1]) if place and has(inner, place[-1]) else None
