"""What is wrong with a study: the key, the value, and what would be right."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from safebasin.errors import StudyError
from safebasin.study.base import PATTERNS
from safebasin.study.keys import Schema, keys_at
from safebasin.study.place import place_of

Needed = TypeVar("Needed")

_SHOWN = 70
_LINES = 100
"""So many problems are listed; a list of thousands hides the first."""
_LONGEST_NAME = 100
_QUOTE = (
    "; put the word in quotes, for YAML reads a bare yes, no, on, off, true, false, null or number"
    " as something else"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong."""

    key: str
    value: object
    cure: str
    is_unknown_name: bool = False
    """Whether ``value`` is a name that is defined nowhere."""

    def __str__(self) -> str:
        """Return the problem as one line."""
        key = self.key if self.key.isprintable() else repr(self.key)[1:-1]
        return f"{key}: {shown(self.value)}: {self.cure}"


def shown(value: object) -> str:
    """Return a value for a message: on one line, escaped, shortened."""
    try:
        text = repr(value)
    except ValueError:  # Python writes no number of thousands of digits
        text = "a number of thousands of digits"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def refuse(problems: Iterable[Problem], where: str) -> None:
    """Raise one error that lists all problems, if there is any.

    Raises:
        StudyError: there is at least one problem.
    """
    lines = list(dict.fromkeys(f"  {problem}" for problem in problems))
    if lines:
        count = "one problem" if len(lines) == 1 else f"{len(lines)} problems"
        more = [f"  … and {len(lines) - _LINES} more"] if len(lines) > _LINES else []
        raise StudyError("\n".join([f"{where} has {count}:", *lines[:_LINES], *more]))


def needed(value: Needed | None, key: str, why: str) -> Needed:
    """Return what a study needs; its checks tell of it first, with all else that is wrong.

    Raises:
        StudyError: it is missing.
    """
    if value is None:
        raise StudyError(str(Problem(key=key, value=None, cure=f"{why} needs it")))
    return value


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a hint: the nearest known name, else all of them."""
    names = sorted(known)
    if near := nearest(name, names):
        return f"did you mean {near!r}?"
    return f"known are: {', '.join(names)}" if names else "none is defined"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is most like ``name``, if one is like it at all."""
    if len(name) > _LONGEST_NAME:
        return None
    return next(iter(difflib.get_close_matches(name, sorted(known), n=1)), None)


def known(key: str, name: str | None, defined: Iterable[str]) -> Iterator[Problem]:
    """Yield a problem where ``name`` is none of those that are defined."""
    names = list(defined)
    if name is not None and name not in names:
        yield Problem(
            key=key,
            value=name,
            cure=f"there is no such name; {did_you_mean(name, names)}",
            is_unknown_name=True,
        )


def from_validation(error: ValidationError, schema: Schema, raw: object) -> list[Problem]:
    """Translate pydantic's errors.

    Args:
        error: what pydantic raised.
        schema: the study's JSON schema, for suggestions on unknown keys.
        raw: what it was raised of.
    """
    found: dict[str, Problem] = {}
    mistyped = set[str]()
    for detail in error.errors(include_url=False):
        if detail["type"] == "too_short" and _is_told_below(detail, error):
            continue
        problem = _translate(detail, schema, raw)
        # A union reports each of its branches; that a list is no number says less than what is
        # wrong with it as a list.
        if found.setdefault(problem.key, problem) is not problem and problem.key in mistyped:
            found[problem.key] = problem
        if detail["type"].endswith("_type") and isinstance(detail["input"], list):
            mistyped.add(problem.key)
        else:
            mistyped.discard(problem.key)
    return list(found.values())


def _is_told_below(short: ErrorDetails, error: ValidationError) -> bool:
    """Say whether a list is short only because its entries are wrong, which is told of each."""
    place = short["loc"]
    return any(
        len(each["loc"]) > len(place) and each["loc"][: len(place)] == place
        for each in error.errors(include_url=False)
    )


def _translate(detail: ErrorDetails, schema: Schema, raw: object) -> Problem:
    loc, kind, value = detail["loc"], detail["type"], detail["input"]
    context = detail.get("ctx", {})
    path = [*place_of(raw, loc), *(loc[-1:] if kind == "missing" else ())]
    if kind == "extra_forbidden":
        keys = keys_at(schema, loc[:-1]) | ({"extends"} if len(loc) == 1 else set())
        cure = f"there is no such key; {did_you_mean(str(path[-1]), keys)}"
    elif kind == "missing":
        value, cure = None, "this key is needed and missing"
    elif kind == "union_tag_not_found":
        cure = "a mapping with its `type` is needed"
    elif kind == "union_tag_invalid":
        path, value = [*path, "type"], context["tag"]
        types = [name for name in _quoted(context["expected_tags"]) if name != "plugin"]
        told = did_you_mean(value, types)
        cure = f"there is no such type; {told} (a plugin is ./file.py:Class)"
    elif kind in ("tuple_type", "list_type") and not isinstance(value, dict):
        cure = f"a list is needed, as in [{'…' if value is None else value}]"
    elif kind in ("tuple_type", "list_type"):
        cure = "a list is needed: each entry begins with `- `, or all stand in [ ]"
    elif kind in ("model_type", "dict_type"):
        keys = keys_at(schema, loc)
        cure = "a mapping is needed, as in `{key: value}`"
        cure += f"; its keys are: {', '.join(sorted(keys))}" if keys else ""
    elif kind in ("too_short", "too_long"):
        least, most = context.get("min_length"), context.get("max_length")
        cure = (
            f"at least {least} item is needed" if most is None else f"at most {most} item is taken"
        )
    elif kind == "string_pattern_mismatch" and context["pattern"] in PATTERNS:
        cure = PATTERNS[context["pattern"]]
    elif kind in ("greater_than", "greater_than_equal") and "lambda" in path:
        cure = "λ must be above 0: λ = 0 is plain SFT under another name (use type: sft)"
    else:
        cure = detail["msg"].removeprefix("Value error, ")
        cure = cure[0].lower() + cure[1:]
        near = (
            nearest(str(value), _quoted(context["expected"])) if kind == "literal_error" else None
        )
        cure += f"; did you mean {near!r}?" if near else ""
        cure += _QUOTE if kind == "string_type" and not isinstance(value, list | dict) else ""
    return Problem(key=".".join(map(str, path)) or "the study", value=value, cure=cure)


def _quoted(text: str) -> list[str]:
    """Return the names that pydantic lists, as in ``'a', 'b' or 'c'``."""
    return re.findall(r"'([^']*)'", text)
