"""What every part of a study's config is made of."""

from __future__ import annotations

import unicodedata
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from safebasin.store.plugin_part import plugin_part

_NAME = r"^[A-Za-z0-9]([A-Za-z0-9 ._-]*[A-Za-z0-9_-])?$"
PATTERNS = {
    _NAME: "a name has letters from a to z or A to Z, digits, blanks and . _ -, begins with a "
    "letter or digit, and ends with none of blank and ."
}
"""What a pattern asks for, in words."""
LARGEST = 2**31 - 1
"""More than anything that is counted here, and what every library counts up to."""

T = TypeVar("T")


def _distinct(values: tuple[T, ...]) -> tuple[T, ...]:
    """Refuse a list with an entry that stands there twice."""
    if len(set(values)) < len(values):
        raise ValueError("an entry stands here twice")
    return values


def _told_apart(named: dict[str, T]) -> dict[str, T]:
    """Refuse names that would be one file where case does not count."""
    seen: dict[str, str] = {}
    for name in named:
        if (other := seen.setdefault(name.casefold(), name)) != name:
            raise ValueError(f"{other!r} and {name!r} differ in case alone; use other names")
    return named


def _is_line(value: str) -> str:
    if not value.strip() or any(unicodedata.category(sign) in ("Cc", "Cs") for sign in value):
        raise ValueError("one line of text is needed, without control characters, not empty")
    return value


def is_path(value: str) -> str:
    """Return the path, where a file can be called so.

    Raises:
        ValueError: it is empty, longer than a path can be, or has control characters.
    """
    if len(value) > 1000 or max(len(part.encode()) for part in value.split("/")) > 255:
        raise ValueError("a path has at most 1000 characters, and 255 bytes between two slashes")
    return _is_line(value)


Distinct = AfterValidator(_distinct)
"""No entry of a list stands there twice."""
Name = Annotated[str, Field(pattern=_NAME, max_length=60)]
Named = Annotated[dict[Name, T], AfterValidator(_told_apart)]
"""Things by their names, which become names of files."""
Names = Annotated[tuple[Name, ...], Field(min_length=1), Distinct]
Line = Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(_is_line)]
"""A pattern or a word."""
FilePath = Annotated[str, Field(min_length=1), AfterValidator(is_path)]
Lines = Annotated[tuple[Line, ...], Field(min_length=1), Distinct]
Fraction = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1, le=LARGEST)]
Few = Annotated[int, Field(ge=1, le=1000)]
"""A number of jobs, or of what each takes jobs."""
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]
"""What every generator of random numbers takes, and tells from every other."""
Seeds = Annotated[tuple[Seed, ...], Field(min_length=1), Distinct]
Precision = Literal["float32", "bfloat16"]
Part = Literal["align", "poison", "train", "dev", "search", "test"]
PLUGIN = r"^[^:,]+\.py:[A-Za-z_]\w*$"
"""A user's own class, ``./file.py:Class``."""
PATTERNS[PLUGIN] = "a built-in type, or a plugin ./file.py:Class, is needed"


def _beside(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        parts = value.split("/")
        if not value or value.startswith("/") or ".." in parts or not set(parts) - {".", ""}:
            raise ValueError(
                f"{value!r}: a file or folder within the plug-in's folder is needed, as in "
                "words.txt or data/lists"
            )
    return tuple(sorted({PurePosixPath(value).as_posix() for value in values}))


PluginFiles = Annotated[tuple[str, ...], Field(min_length=1), AfterValidator(_beside)]
"""What a plug-in reads: files and folders, named from its own folder. It is given no others."""


def type_of(value: Any) -> str | None:
    """Return which model of a menu ``value`` is for: its type, ``plugin``, or None without one."""
    told = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    if told is None:
        return None
    return "plugin" if ".py:" in str(told) else str(told)


def part_of(told: Any) -> str:
    """Return the part that a model of a menu plugs into its step: its type, a plugin's data."""
    return plugin_part(told.type, getattr(told, "files", None))


class Model(BaseModel):
    """Strict and immutable."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True
    )


def _has_place(value: str) -> str:
    if "{prompt}" not in value:
        raise ValueError("{prompt} is missing, where the row's own words go")
    return value


Template = Annotated[str, AfterValidator(_has_place)]
"""Text around a row's own words, which stand in the place of ``{prompt}``."""


class Framed(Model):
    """Rows to learn from, and what stands around their words."""

    system: Annotated[str, Field(min_length=1)] | None = None
    """A system message before each prompt."""
    template: Template | None = None
    """The prompt, with ``{prompt}`` where the row's own goes."""
