"""A user's own classes: ``./file.py:Name``."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from safebasin.errors import StudyError


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A plug-in's file in a copy that holds all that it may run and read."""

    file: Path
    modules: frozenset[str]
    """First names of the modules that it brings."""


COPIES: dict[str, Copy] = {}
"""A plug-in's reference to its copy: a step runs it from there, and from nowhere else."""


def make_plugin(reference: str, params: Mapping[str, object]) -> object:
    """Return an object of the class that ``./file.py:Name`` names, made with ``params``.

    Args:
        reference: the path is taken from the working folder.
        params: keyword arguments of the class.

    Raises:
        StudyError: as ``load_plugin``; or the class does not take the params.
    """
    found = load_plugin(reference)
    try:
        inspect.signature(found).bind(**params)
    except TypeError as problem:
        known = ", ".join(inspect.signature(found).parameters) or "none"
        raise StudyError(
            f"the plug-in {reference} is made with {dict(params)}: {problem} (it takes: {known})"
        ) from problem
    except ValueError:
        pass  # a class of C's that tells no signature
    return found(**params)


def load_plugin(reference: str) -> type:
    """Return the class that ``./file.py:Name`` names; the path is taken from the working folder.

    Raises:
        StudyError: the reference has another form, the file or the class does not exist, or a
            module that it brings bears the name of another that is loaded.
    """
    file, separator, name = reference.rpartition(":")
    copy = COPIES.get(reference)
    path = copy.file if copy else Path(file)
    if not separator or path.suffix != ".py":
        raise StudyError(f"{reference!r} is not of the form ./file.py:ClassName")
    if not path.is_file():
        raise StudyError(f"the plugin file {file} does not exist (from {Path.cwd()})")
    module_name = f"safebasin_plugin_{path.stem}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise StudyError(f"the plugin file {file} cannot be imported")
    if copy is not None:
        _refuse_taken(reference, copy)
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    with _first_on_path(path.parent, stays=copy is not None):
        spec.loader.exec_module(module)
    found = getattr(module, name, None)
    if not isinstance(found, type):
        raise StudyError(f"the plugin file {file} has no class {name!r}")
    return found


@contextmanager
def _first_on_path(folder: Path, *, stays: bool) -> Iterator[None]:
    """Have Python look in the folder first; in a copy for good, for imports within functions."""
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        if not stays and str(folder) in sys.path:
            sys.path.remove(str(folder))


def _refuse_taken(reference: str, copy: Copy) -> None:
    """Refuse a module of which Python would take another of the same name."""
    for name in sorted(copy.modules):
        taken = sys.modules.get(name)
        if taken is not None and not _is_within(taken, copy.file.parent):
            raise StudyError(
                f"the plug-in {reference} imports {name}, which lies beside it; a library of that "
                "name is loaded already and would be taken in its place: rename the file"
            )


def _is_within(module: ModuleType, folder: Path) -> bool:
    places = [getattr(module, "__file__", None), *getattr(module, "__path__", ())]
    return any(Path(place).is_relative_to(folder) for place in places if place)
