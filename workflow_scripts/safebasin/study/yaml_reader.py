"""YAML as users mean it: ``1e-4`` is a number, a date is text, a key stands once and as written."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import yaml

from safebasin.errors import StudyError
from safebasin.study.missing_file import hint_of

_FLOAT = re.compile(r"^[-+]?(\d[\d_]*\.?[\d_]*|\.\d[\d_]*)([eE][-+]?\d+)?$")
_FILTERS = ("where", "exclude")
"""Keys below which both words and truth values may stand."""
_WORDS = frozenset({"yes", "no", "on", "off"})
"""What YAML takes for truth values where it stands without quotes."""
_INTEGER = re.compile(r"^[-+]?\d[\d_]*$")


class _Loader(yaml.SafeLoader):
    """The safe loader, with YAML 1.2's numbers, and without dates and repeated keys."""


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
    for key_node, value_node in node.value:
        if key_node.tag == "tag:yaml.org,2002:merge":
            continue  # `<<: *name`; what stands beside it wins
        if not isinstance(key_node, yaml.ScalarNode):
            raise StudyError(
                f"{_at(loader, key_node)}: a key is a word; text that begins with a brace or "
                "bracket stands in quotes"
            )
        key = loader.construct_object(key_node, deep=True)
        if key in seen:
            raise StudyError(
                f"{_at(loader, key_node)}: the key {key!r} stands twice; a name is defined once"
            )
        seen.add(key)
        if not isinstance(key, str) and str(key) != key_node.value:
            raise StudyError(
                f"{_at(loader, key_node)}: YAML reads the key {key_node.value} as {key!r}; put it "
                f'in quotes: "{key_node.value}"'
            )
        if key in _FILTERS and isinstance(value_node, yaml.MappingNode):
            _refuse_words(loader, value_node)
    loader.flatten_mapping(node)
    return loader.construct_mapping(node, deep=True)


def _integer(loader: _Loader, node: yaml.ScalarNode) -> int:
    return int(node.value.replace("_", ""))


def _float(loader: _Loader, node: yaml.ScalarNode) -> float:
    value = float(loader.construct_yaml_float(node))
    if not math.isfinite(value):
        raise StudyError(f"{_at(loader, node)}: {node.value} is beyond all numbers that count here")
    return value


def _refuse_words(loader: _Loader, filters: yaml.MappingNode) -> None:
    """Refuse a word among the values of a filter that YAML would take for a truth value.

    Elsewhere the type that is needed tells the two apart.
    """
    values = [each for _, listed in filters.value for each in (listed, *_entries(listed))]
    for node in values:
        if node.tag == "tag:yaml.org,2002:bool" and node.value.lower() in _WORDS:
            raise StudyError(
                f"{_at(loader, node)}: to YAML a bare {node.value} is a truth value; for the word "
                f'put it in quotes, "{node.value}", else write true or false'
            )


def _entries(node: yaml.Node) -> list[yaml.Node]:
    return node.value if isinstance(node, yaml.SequenceNode) else []


def _at(loader: _Loader, node: yaml.Node) -> str:
    return f"{loader.name}, line {node.start_mark.line + 1}"


_Loader.add_constructor("tag:yaml.org,2002:int", _integer)
_Loader.add_constructor("tag:yaml.org,2002:float", _float)
_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping in ``path``.

    Raises:
        StudyError: the file is missing, is not YAML, holds no mapping, or repeats a key.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")  # editors of Windows put a BOM before it
    except OSError as problem:
        told = f"{path}: the config file cannot be read ({problem.strerror})"
        raise StudyError(told + hint_of(path)) from None
    except UnicodeDecodeError as problem:
        raise StudyError(
            f"{path}: the config file is not UTF-8 ({problem.reason}); save it as UTF-8"
        ) from None
    value = _parsed(text, str(path))
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise StudyError(f"{path}: a study is a mapping of keys, as in `study: mine`")
    return value


def _parsed(text: str, name: str) -> Any:
    if "\0" in text:
        raise StudyError(f"{name}: the config file is not UTF-8 (it looks like UTF-16)")
    try:
        loader = _Loader(text)
        loader.name = name
        try:
            return loader.get_single_data()
        finally:
            loader.dispose()
    except (yaml.YAMLError, ValueError) as problem:
        raise StudyError(f"{name} is not YAML: {problem}") from None
    except RecursionError:
        raise StudyError(f"{name} is not YAML that can be read: nested too deeply") from None
