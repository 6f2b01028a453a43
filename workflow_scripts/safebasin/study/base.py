"""What every part of a study's config is made of."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from safebasin.store.plugin_part import plugin_part

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]*$", max_length=60)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
Precision = Literal["float32", "bfloat16"]
Part = Literal["align", "poison", "train", "dev", "search", "test"]
PLUGIN = r"^[^:,]+\.py:[A-Za-z_]\w*$"
"""A user's own class, ``./file.py:Class``."""


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
