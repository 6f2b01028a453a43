"""A study's file as its writer means it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from safebasin.errors import StudyError
from safebasin.strict_yaml import Limits, read_mapping
from safebasin.study.missing_file import hint_of

_LIMITS = Limits(
    what="a study",
    free=frozenset({"where", "exclude", "params", "chat_template_kwargs"}),
)


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping in ``path``.

    Raises:
        StudyError: the file is missing, is not YAML, holds no mapping, repeats a key, goes beyond
            a limit, or holds what could be taken for two values.
    """
    if hint := hint_of(path):
        raise StudyError(f"{path}: the file cannot be read: there is none{hint}")
    value = read_mapping(path, _LIMITS)
    if value is None:
        raise StudyError(f"{path}: it is empty; a study is a mapping of keys, as in `study: mine`")
    return value
