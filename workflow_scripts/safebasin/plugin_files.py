"""Whether the plugins that a study names are there, with their data and params; none is run."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from safebasin.errors import StudyError
from safebasin.plugin_signature import Signature, class_signature
from safebasin.store.code_identity import CodeBook
from safebasin.store.plugin_data import bytes_of, named_data
from safebasin.store.plugin_part import is_plugin, plugin_file
from safebasin.study.base import part_of
from safebasin.study.config import Study
from safebasin.study.methods import Plugin as PluginMethod
from safebasin.study.problems import Problem, did_you_mean

_SINGLE = ("int", "float", "str", "bool")


def plugin_problems(study: Study, book: CodeBook) -> Iterator[Problem]:
    """Yield what is wrong with the plugins of the study: file, class, imports, data, params."""
    for key, told in _told(study):
        if not is_plugin(told.type):
            continue
        if cure := _cure(told.type):
            yield Problem(key=f"{key}.type", value=told.type, cure=cure)
            continue
        missing = list(_missing_data(key, told))
        yield from missing
        if missing:
            continue
        try:
            plugin = book.plugin(part_of(told))
        except (StudyError, OSError) as problem:
            yield Problem(key=f"{key}.type", value=told.type, cure=str(problem))
            continue
        if signature := class_signature(plugin, told.type.rpartition(":")[2]):
            yield from _wrong_params(key, told, signature)


def _told(study: Study) -> Iterator[tuple[str, Any]]:
    """Yield key and model of everything that may name a plugin."""
    for section in ("methods", "judges", "guards"):
        for name, told in getattr(study, section).items():
            yield f"{section}.{name}", told
    for name, corpus in study.corpora.items():
        yield f"corpora.{name}.reader", corpus.reader


def _cure(reference: str) -> str | None:
    """Return what would be right, or None where the plugin is there."""
    path = plugin_file(reference)
    if not os.path.isfile(path):  # noqa: PTH113 - which is False of what no file can be called
        return f"there is no such file (seen from {Path.cwd()})"
    try:
        tree = ast.parse(bytes_of(path), path.name)
    except StudyError as problem:
        return str(problem)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as problem:
        return f"the file is not Python: {problem or 'it is nested too deeply'}"
    wanted = reference.rpartition(":")[2]
    if wanted in _bound(tree) or "*" in _bound(tree):
        return None
    classes = [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
    return f"the file has no such class; {did_you_mean(wanted, classes)}"


def _bound(tree: ast.Module) -> set[str]:
    """Return every name that the file binds; a star import binds ``*``."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.alias):
            names.add(node.asname or node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return names


def _missing_data(key: str, told: Any) -> Iterator[Problem]:
    for name in told.files or ():
        try:
            named_data(plugin_file(told.type).parent, [name])
        except (StudyError, OSError) as problem:
            yield Problem(key=f"{key}.files", value=name, cure=str(problem))


def _wrong_params(key: str, told: Any, signature: Signature) -> Iterator[Problem]:
    """Yield params that the class does not take, and those that it lacks."""
    is_method = isinstance(told, PluginMethod)
    params: Mapping[str, Any] = (told.file_params if is_method else told.params) or {}
    swept: Mapping[str, Any] = (is_method and told.sweep) or {}
    name = told.type.rpartition(":")[2]
    for where, given in (("params", params), ("sweep", swept)):
        for one, value in given.items():
            if one not in signature.kinds and not signature.takes_any:
                cure = f"{name} takes no such parameter; {_takes(one, signature)}"
                yield Problem(key=f"{key}.{where}.{one}", value=value, cure=cure)
    for one, value in params.items():
        kind = signature.kinds.get(one)
        if kind in _SINGLE and isinstance(value, list | tuple | dict):
            cure = f"{name} takes one {kind}"
            cure += f"; for a setting each: `sweep: {{{one}: {value}}}`" if is_method else ""
            yield Problem(key=f"{key}.params.{one}", value=value, cure=cure)
    if lacking := sorted(signature.required - params.keys() - swept.keys()):
        cure = f"{name} needs {', '.join(lacking)} too"
        yield Problem(key=f"{key}.params", value=dict(params), cure=cure)


def _takes(name: str, signature: Signature) -> str:
    return did_you_mean(name, signature.kinds) if signature.kinds else "it takes none"
