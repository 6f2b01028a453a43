"""Whether all values of a study are text, numbers, truth values, lists and mappings of these.

A YAML file holds nothing else once it is read; what comes from elsewhere may.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from safebasin.study.problems import Problem

_LARGEST = 2**63 - 1
_DEPTH = 50
_VALUES = 200_000


def odd_values(raw: Mapping[str, object]) -> Iterator[Problem]:
    """Yield every value that no file can hold; at most those before one that has no end."""
    open_: list[tuple[tuple[str, ...], object]] = [((), raw)]
    for _ in range(_VALUES):
        if not open_:
            return
        way, value = open_.pop()
        key = ".".join(way)
        if len(way) > _DEPTH:
            yield Problem(key=key[:100], value=None, cure=f"it has more than {_DEPTH} levels")
        elif isinstance(value, dict):
            for name in value:
                if not isinstance(name, str) or cure_of(name):
                    yield Problem(key=key or "the study", value=name, cure="a key is a word")
            open_ += [((*way, str(name)), inner) for name, inner in reversed(value.items())]
        elif isinstance(value, list | tuple):
            named = [((*way, str(index)), inner) for index, inner in enumerate(value)]
            open_ += reversed(named)
        elif cure := cure_of(value):
            yield Problem(key=key, value=value, cure=cure)
    yield Problem(key=key, value=None, cure=f"a study has at most {_VALUES} values")


def cure_of(value: object) -> str | None:
    """Return what would be right in place of a single value that is odd, or None."""
    if isinstance(value, str):
        is_text = "\0" not in value and not any("\ud800" <= sign <= "\udfff" for sign in value)
        return None if is_text else "it holds a character that is none (NUL, or half a one)"
    if isinstance(value, int):
        fits = -_LARGEST <= value <= _LARGEST
        return None if fits else f"a whole number is at most {_LARGEST}"
    if isinstance(value, float):
        return None if math.isfinite(value) else "a number is needed; this is none that counts"
    return None if value is None else "a value is text, a number, a list or a mapping"
