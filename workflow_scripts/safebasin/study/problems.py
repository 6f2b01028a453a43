"""What is wrong with a study: the key, the value, and what would be right."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pydantic import ValidationError

from safebasin.errors import StudyError

_SHOWN = 70


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


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a hint: the nearest known name, else all of them."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"known are: {', '.join(names)}" if names else "none is defined"


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


def from_validation(error: ValidationError, keys_of: dict[str, tuple[str, ...]]) -> list[Problem]:
    """Translate pydantic's errors.

    Args:
        error: what pydantic raised.
        keys_of: model title to its keys, for suggestions on unknown keys.
    """
    found: dict[str, Problem] = {}
    for detail in error.errors(include_url=False):
        problem = _translate(dict(detail), keys_of)
        found.setdefault(problem.key, problem)  # a union reports each of its branches
    return list(found.values())


def _translate(detail: dict[str, object], keys_of: dict[str, tuple[str, ...]]) -> Problem:
    loc = detail["loc"]
    assert isinstance(loc, tuple)
    path = [part for part in _without_tag(loc) if not _is_branch(part)]
    key = ".".join(str(part) for part in path) or "the study"
    kind, value = detail["type"], detail.get("input")
    if kind == "extra_forbidden":
        known = {name for names in keys_of.values() for name in names}
        cure = f"there is no such key; {_near_key(str(path[-1]), known)}"
    elif kind == "missing":
        value, cure = None, "this key is needed and missing"
    elif kind == "union_tag_invalid":
        cure = "type is one of sft, ridge, asft, safe_lora, or a plugin ./file.py:Class"
    elif kind in ("greater_than", "greater_than_equal") and "lambda" in path:
        cure = "λ must be above 0: λ = 0 is plain SFT under another name (use type: sft)"
    else:
        cure = str(detail["msg"]).removeprefix("Value error, ")
        cure = cure[0].lower() + cure[1:]
    return Problem(key=key, value=value, cure=cure)


def _near_key(name: str, known: set[str]) -> str:
    near = difflib.get_close_matches(name, sorted(known), n=1)
    return f"did you mean {near[0]!r}?" if near else "remove it"


def _without_tag(loc: tuple[object, ...]) -> tuple[object, ...]:
    """Drop the type that pydantic puts behind a method's name."""
    return (*loc[:2], *loc[3:]) if loc and loc[0] == "methods" and len(loc) > 2 else loc


def _is_branch(part: object) -> bool:
    """Say whether pydantic put ``part`` into the path to name a union's branch."""
    return isinstance(part, str) and (
        part.startswith(("constrained-", "function-", "literal[", "tuple[", "list["))
        or part in ("int", "float", "str", "[key]")
    )
