"""YAML as users mean it: ``1e-4`` is a number, a date is text, a key stands once and as written."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from safebasin.errors import StudyError

_FLOAT = re.compile(r"^[-+]?(\d[\d_]*\.?[\d_]*|\.\d[\d_]*)([eE][-+]?\d+)?$")
_INTEGER = re.compile(r"^[-+]?\d[\d_]*$")


class _Loader(yaml.SafeLoader):
    """The safe loader, with YAML 1.2's floats, and without dates and repeated keys."""


# The class has its own table, so that yaml.SafeLoader stays as it is.
_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, pattern)
        for tag, pattern in resolvers
        if tag.rpartition(":")[2] not in ("float", "int", "timestamp")
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", _INTEGER, list("-+0123456789"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+0123456789."))


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[Any] = set()
    for key_node, _ in node.value:
        if key_node.tag == "tag:yaml.org,2002:merge":
            continue  # `<<: *name`; what stands beside it wins
        key = loader.construct_object(key_node, deep=True)
        if key in seen:
            line = key_node.start_mark.line + 1
            raise StudyError(
                f"{loader.name}, line {line}: the key {key!r} stands twice; a name is defined once"
            )
        seen.add(key)
        if not isinstance(key, str) and str(key) != key_node.value:
            line = key_node.start_mark.line + 1
            raise StudyError(
                f"{loader.name}, line {line}: YAML reads the key {key_node.value} as {key!r}; put "
                f'it in quotes: "{key_node.value}"'
            )
    loader.flatten_mapping(node)
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping in ``path``.

    Raises:
        StudyError: the file is missing, is not YAML, holds no mapping, or repeats a key.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as problem:
        raise StudyError(f"{path}: the config file cannot be read ({problem.strerror})") from None
    except UnicodeDecodeError as problem:
        raise StudyError(f"{path}: the config file is not UTF-8 ({problem.reason})") from None
    loader = _Loader(text)
    loader.name = str(path)
    try:
        value = loader.get_single_data()
    except yaml.YAMLError as problem:
        raise StudyError(f"{path} is not YAML: {problem}") from None
    finally:
        loader.dispose()
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise StudyError(f"{path}: a study is a mapping of keys, as in `study: mine`")
    return value
