"""A study's options as a dataclass: strict, and every problem in one message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

from safebasin.errors import StudyError

Shape = TypeVar("Shape")


def read_options(shape: type[Shape], options: Mapping[str, object], where: str) -> Shape:
    """Return ``options`` as ``shape``; an option that is null counts as absent.

    Raises:
        StudyError: an option is unknown, missing or of a wrong type.
    """
    given = {key: value for key, value in options.items() if value is not None}
    adapter: TypeAdapter[Shape] = TypeAdapter(with_config(ConfigDict(extra="forbid"))(shape))
    try:
        return adapter.validate_python(given)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in each['loc']) or where}: {each['msg']} "
            f"(got {each['input']!r:.60})"
            for each in error.errors()
        )
        raise StudyError(f"{where}: {problems}") from None
