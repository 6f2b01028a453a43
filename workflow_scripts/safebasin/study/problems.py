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
from safebasin.study.keys import Schema, keys_at

Needed = TypeVar("Needed")

_SHOWN = 70
_QUOTE = (
    "; put the word in quotes, for YAML reads a bare yes, no, on, off, true, false, null or number"
    " as something else"
)
_TAGS: dict[int | str, int] = {"methods": 2, "corpora": 3}
"""Where in a path pydantic puts the type of what is picked from a menu, by section."""


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
        shown = repr(self.value)
        shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"
        return f"{self.key}: {shown}: {self.cure}"


def refuse(problems: Iterable[Problem], where: str) -> None:
    """Raise one error that lists all problems, if there is any.

    Raises:
        StudyError: there is at least one problem.
    """
    lines = list(dict.fromkeys(f"  {problem}" for problem in problems))
    if lines:
        count = "one problem" if len(lines) == 1 else f"{len(lines)} problems"
        raise StudyError("\n".join([f"{where} has {count}:", *lines]))


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


def from_validation(error: ValidationError, schema: Schema) -> list[Problem]:
    """Translate pydantic's errors.

    Args:
        error: what pydantic raised.
        schema: the study's JSON schema, for suggestions on unknown keys.
    """
    found: dict[str, Problem] = {}
    for detail in error.errors(include_url=False):
        problem = _translate(detail, schema)
        found.setdefault(problem.key, problem)  # a union reports each of its branches
    return list(found.values())


def _translate(detail: ErrorDetails, schema: Schema) -> Problem:
    loc, kind, value = detail["loc"], detail["type"], detail["input"]
    context = detail.get("ctx", {})
    path = [part for part in _without_tag(loc) if not _is_branch(part)]
    if kind == "extra_forbidden":
        cure = f"there is no such key; {did_you_mean(str(path[-1]), keys_at(schema, loc[:-1]))}"
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


def _without_tag(loc: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """Drop the type that pydantic puts behind what is picked from a menu."""
    at = _TAGS.get(loc[0], len(loc)) if loc else 0
    return (*loc[:at], *loc[at + 1 :])


def _is_branch(part: object) -> bool:
    """Say whether pydantic put ``part`` into the path to name a union's branch."""
    return isinstance(part, str) and (
        part.startswith(("constrained-", "function-", "literal[", "tuple[", "list["))
        or part in ("int", "float", "str", "bool", "[key]")
    )
