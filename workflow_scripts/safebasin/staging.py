"""A plug-in runs from a copy that holds exactly what was hashed, and from an empty folder.

What it looks for, lists or imports there in vain, and would have found without the copy, is an
error that says how to add it. Opening, listing and importing are looked at, and asking whether
something is there: a plug-in that goes on without what it did not find would publish other results
under the same name.
"""

from __future__ import annotations

import functools
import importlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

from safebasin.errors import SafebasinError
from safebasin.plugin_stage import Stage
from safebasin.plugins import COPIES, Copy
from safebasin.step_environment import settle_python_path
from safebasin.store.plugin_closure import Plugin

_ASKS = ("stat", "lstat", "access")
"""Functions of ``os`` that say whether something is there; no audit tells of them."""
_ABLE: tuple[set[Callable[..., Any]], ...] = (
    os.supports_dir_fd,
    os.supports_effective_ids,
    os.supports_fd,
    os.supports_follow_symlinks,
)
"""By which ``shutil`` and others know what these functions take."""
_STANDARD = (f"{Path(os.__file__).parent}/", "<frozen ")
_PACKAGES = ("/site-packages/", "/dist-packages/")


_STAGES: list[Stage] = []
"""The stage that is set now; the hook below stays as long as the process."""


@contextmanager
def staged(plugin: Plugin | None, reference: str, base: Path) -> Iterator[None]:
    """Run a plug-in from a copy of what was hashed, in an empty working folder.

    Args:
        plugin: what was hashed; None where the step has no plug-in.
        reference: the plug-in as the study names it.
        base: a folder that is made anew, and is gone afterwards.

    Raises:
        StudyError: the plug-in looks for a file or a module that is no part of it.
    """
    if plugin is None:
        yield
        return
    stage = Stage(
        reference=reference,
        plugin=plugin,
        base=base.resolve(),
        directory=os.getcwd(),  # noqa: PTH109
    )
    stage.write()
    with _set(stage):
        try:
            yield
        except SystemExit as ended:
            raise (stage.find_missed() or stage.ended(ended)) from ended
        except Exception as error:
            told = None if isinstance(error, SafebasinError) else stage.explain(error)
            told = stage.find_missed() or told
            if told is None or told is error:
                if not isinstance(error, SafebasinError):
                    stage.note(error)
                raise
            raise told from error
        if missed := stage.find_missed():  # the plug-in went on without it
            raise missed


@contextmanager
def _set(stage: Stage) -> Iterator[None]:
    finder, kept, known = _Finder(stage), sys.dont_write_bytecode, set(sys.modules)
    asked, told = {name: getattr(os, name) for name in _ASKS}, os.environ.get("PWD")
    _hook_once()
    settle_python_path()
    importlib.invalidate_caches()
    os.chdir(stage.work)
    os.environ["PWD"] = str(stage.work)
    os.environ.pop("OLDPWD", None)
    sys.dont_write_bytecode = True
    _STAGES.append(stage)
    sys.meta_path.append(finder)
    sys.path.append(str(stage.by_name))
    COPIES[stage.reference] = Copy(
        file=stage.folder / stage.plugin.file.name, modules=stage.plugin.modules
    )
    watched = {name: _watched(stage, function) for name, function in asked.items()}
    for name, function in watched.items():
        setattr(os, name, function)
        for able in _ABLE:
            if asked[name] in able:
                able.add(function)
    try:
        yield
    finally:
        for name, function in asked.items():
            setattr(os, name, function)
        for able in _ABLE:
            able.difference_update(watched.values())
        del COPIES[stage.reference]
        sys.meta_path.remove(finder)
        _STAGES.remove(stage)
        sys.dont_write_bytecode = kept
        for name in set(sys.modules) - known:
            if str(getattr(sys.modules[name], "__file__", "")).startswith(f"{stage.base}/"):
                del sys.modules[name]
        mine = (str(stage.folder), str(stage.by_name))
        sys.path[:] = [place for place in sys.path if place not in mine]
        os.chdir(stage.directory)
        os.environ.pop("PWD")
        os.environ.update({} if told is None else {"PWD": told})
        shutil.rmtree(stage.base, ignore_errors=True)


def _watched(stage: Stage, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``os.stat`` or its like, which says so where it finds less than it would have."""

    @functools.wraps(function)
    def ask(path: Any, *arguments: Any, **options: Any) -> Any:
        try:
            found = function(path, *arguments, **options)
        except (FileNotFoundError, NotADirectoryError):
            stage.miss(path)
            raise
        if found is False:
            stage.miss(path)
        return found

    return ask


class _Finder:
    """Stands behind all that find modules: says where one was left behind."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return None, or raise where the plug-in's folder has the module and the copy has not."""
        del target
        stage = self._stage
        if not _imported_by(stage.base):
            return None
        for folder in path if path is not None else [str(stage.folder)]:
            found = stage.meant(folder)
            if found is None:
                continue
            place = found[1] / name.rpartition(".")[2]
            for file in (place.with_name(f"{place.name}.py"), place / "__init__.py"):
                if file.is_file():
                    stage.refuse_import(name, file if file.parent != place else place)
        return None


def _hook_once() -> None:
    if not getattr(_hook_once, "done", False):
        sys.addaudithook(_audit)
        setattr(_hook_once, "done", True)  # noqa: B010


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    """Look at what is opened or listed. Python takes no hook back, so it mostly does nothing."""
    if not _STAGES or event not in ("open", "os.listdir", "os.scandir", "sqlite3.connect"):
        return
    path = arguments[0]
    if event == "open":
        if not arguments[2] & os.O_CREAT:
            _STAGES[-1].miss(path)
    elif event == "sqlite3.connect":
        _STAGES[-1].miss(path)
    else:
        _STAGES[-1].miss("." if path is None else path, listed=True)


def _imported_by(base: Path) -> bool:
    """Whether it is the plug-in's own text that imports, not a library that it has called."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        name = frame.f_code.co_filename
        standard = name.startswith(_STANDARD) and not any(part in name for part in _PACKAGES)
        if not standard and name != __file__:
            return name.startswith(f"{base}/")
        frame = frame.f_back
    return False
