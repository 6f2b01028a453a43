"""Whether the plugins that a study names are there: file, syntax, class; none is run."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from safebasin.store.code_identity import is_plugin, plugin_file
from safebasin.study.config import Study
from safebasin.study.problems import Problem, did_you_mean


def plugin_problems(study: Study) -> Iterator[Problem]:
    """Yield every plugin of the study that is not there."""
    for key, reference in _types(study):
        if is_plugin(reference) and (cure := _cure(reference)):
            yield Problem(key=key, value=reference, cure=cure)


def _types(study: Study) -> Iterator[tuple[str, str]]:
    """Yield key and value of everything that may name a plugin."""
    for name, method in study.methods.items():
        yield f"methods.{name}.type", method.type
    for name, judge in study.judges.items():
        yield f"judges.{name}.type", judge.type
    for name, guard in study.guards.items():
        yield f"guards.{name}.type", guard.type
    for name, corpus in study.corpora.items():
        yield f"corpora.{name}.reader.type", corpus.reader.type


def _cure(reference: str) -> str | None:
    """Return what would be right, or None where the plugin is there."""
    path = plugin_file(reference)
    if not path.is_file():
        return f"there is no such file (seen from {Path.cwd()})"
    try:
        tree = ast.parse(path.read_bytes(), path.name)
    except (SyntaxError, ValueError) as problem:
        return f"the file is not Python: {problem}"
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
