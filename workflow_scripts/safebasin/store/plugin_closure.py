"""The closure of a user's plug-in: its file, all code of the user's that it runs, and its data.

A plug-in's folder is the first place where Python looks for what it imports. What lies there is
followed: modules, packages and their submodules. The standard library and installed packages are
not, as little as those that our own code imports. Anything else is refused, for an edit to it
would change results and no digest. Data are the files that the study names, and those beside a
module that a string in it names whole.

What is found here is all that a step gets of the plug-in: it runs from a copy of these very bytes.
"""

from __future__ import annotations

import ast
import hashlib
import pkgutil
import sys
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

from safebasin.errors import StudyError
from safebasin.store.closure import (
    combine,
    import_closure,
    imported_names,
    named_files,
    resolve_module,
)
from safebasin.store.plugin_data import bytes_of, named_data, refuse_literal_paths
from safebasin.store.syntax import syntax_digest

_FIND_CODE = frozenset(
    {
        "__import__",
        "import_module",
        "exec_module",
        "spec_from_file_location",
        "SourceFileLoader",
        "run_path",
        "run_module",
        "extend_path",
        "__path__",
        "pydoc",
        "zipimport",
    }
)
"""Names, of functions mostly, by which a program finds code that no import statement names."""

_SEE_TEXT = frozenset(
    {
        *("__file__", "__doc__", "__loader__", "__spec__", "get_data", "_getframe"),
        *("co_filename", "co_firstlineno", "f_lineno", "tb_lineno"),
    }
)
_SHOW_TEXT = frozenset({"inspect", "linecache", "traceback", "resources", "pkgutil"})
"""Names, and modules, by which a program can come to see its own text; to it a comment may tell."""

_STANDARD = tuple(Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib"))
_INSTALLED = frozenset({"site-packages", "dist-packages"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """All that a plug-in may run and read."""

    file: Path
    files: Mapping[str, bytes]
    """Name, from the plug-in's folder, to bytes: its file, its modules, its data."""
    modules: frozenset[str]
    """First names of the modules beside it that it imports."""
    digest: str

    @property
    def folder(self) -> Path:
        """The folder that all names start from."""
        return self.file.parent


@dataclass(frozen=True, slots=True)
class _Own:
    """One module of the user's: its name as Python would have it, and its file."""

    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class _Read:
    """One module of the user's as it was read, once."""

    content: bytes
    tree: ast.Module


def plugin_closure(path: Path, package: Path, named: Sequence[str] = ()) -> str:
    """Return the digest of ``read_plugin``."""
    return read_plugin(path, package, named).digest


def read_plugin(path: Path, package: Path, named: Sequence[str] = ()) -> Plugin:
    """Return a plug-in: its file, what it imports of the user's code, its data, and one digest.

    Modules count by their syntax, so that a comment changes nothing; by their bytes where the
    plug-in can come to see its own text. Data count by their bytes.

    Args:
        path: the plug-in's file.
        package: our package, of which a plug-in may import modules; they are hashed too.
        named: files and folders, from the plug-in's folder, that the study names as its data.

    Raises:
        StudyError: a file is not there or cannot be read, is not Python, runs code that cannot be
            followed, or names a file by its absolute path; or something that the study names is
            not there; or all of it is too large.
    """
    plugin = path.absolute()
    if ".." in plugin.parts:
        plugin = plugin.parent.resolve() / plugin.name
    try:
        return _plugin(plugin, package, named)
    except (RecursionError, MemoryError) as problem:
        raise StudyError(
            f"the plug-in {plugin} is nested too deeply, or its data are too large, to be read"
        ) from problem


def _plugin(plugin: Path, package: Path, named: Sequence[str]) -> Plugin:
    modules, ours = _follow(plugin, package)
    files: dict[str, bytes] = {}
    for key, module in modules.items():
        for data in named_files(module.tree, plugin.parent / key):
            files[data.relative_to(plugin.parent).as_posix()] = bytes_of(data)
    files |= named_data(plugin.parent, named)
    by_bytes = any(_sees_text(module.tree) for module in modules.values())
    found = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    for key, module in modules.items():
        if by_bytes:
            found[key] = hashlib.sha256(module.content).hexdigest()
        else:
            found.setdefault(key, syntax_digest(module.tree))
        files[key] = module.content
    beside = {key.split("/")[0].removesuffix(".py") for key in modules if key != plugin.name}
    return Plugin(
        file=plugin,
        files=files,
        modules=frozenset(beside),
        digest=combine(found, import_closure(package, tuple(sorted(ours)))),
    )


def _follow(plugin: Path, package: Path) -> tuple[dict[str, _Read], set[str]]:
    """Return the user's modules that the plug-in runs, by their file, and those of ours."""
    folder = plugin.parent
    found: dict[str, _Read] = {}
    ours: set[str] = set()
    waiting = [_Own(plugin.stem, plugin)]
    while waiting:
        module = waiting.pop()
        key = module.path.relative_to(folder).as_posix()
        if key in found:
            continue
        found[key] = read = _read(module.path)
        is_package = module.path.name == "__init__.py"
        may_lack = set(
            imported_names(_on_a_condition(read.tree), module.name, is_package=is_package)
        )
        for name in imported_names(read.tree, module.name, is_package=is_package):
            if name.split(".")[0] != package.name:
                may = name in may_lack
                waiting.extend(_followed(name, folder, module.path, may_lack=may))
            elif resolved := resolve_module(package, name):
                ours.add(resolved)
    return found, ours


def _read(path: Path) -> _Read:
    """Return the file and its syntax, where all that it runs stands in import statements."""
    content = bytes_of(path)
    try:
        tree = ast.parse(content, str(path))
    except (SyntaxError, ValueError) as problem:
        raise StudyError(f"the plug-in's file {path} is not Python: {problem}") from problem
    for node in ast.walk(tree):
        if told := _finds_code(node):
            line = getattr(node, "lineno", 1)
            raise StudyError(
                f"{path}, line {line}: {told} runs code that no import statement names; an edit "
                "to that code would change results and no digest, so import it by a statement"
            )
    refuse_literal_paths(tree, path)
    return _Read(content, tree)


def _sees_text(tree: ast.Module) -> bool:
    """Whether a name, a string that is one, or an import is a way to the program's own text."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [getattr(node, "module", None) or "", *(each.name for each in node.names)]
            if not _SHOW_TEXT.isdisjoint(part for name in names for part in name.split(".")):
                return True
        told = getattr(node, "id", None) or getattr(node, "attr", None)
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            told = node.value
        if told in _SEE_TEXT:
            return True
    return False


def _finds_code(node: ast.AST) -> str | None:
    """Return what in the node finds code at run time, or None."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "exec":
        return "exec"
    if isinstance(node, ast.Attribute) and node.attr == "path":
        return "sys.path" if isinstance(node.value, ast.Name) and node.value.id == "sys" else None
    if isinstance(node, ast.Import):
        return next((alias.name for alias in node.names if alias.name in _FIND_CODE), None)
    if isinstance(node, ast.ImportFrom):
        if node.module in _FIND_CODE:
            return node.module
        names = {f"{node.module}.{alias.name}": alias.name for alias in node.names}
        told = [full for full, name in names.items() if full == "sys.path" or name in _FIND_CODE]
        return next(iter(told), None)
    name = getattr(node, "id", None) or getattr(node, "attr", None)
    return name if name in _FIND_CODE else None


def _on_a_condition(tree: ast.Module) -> ast.Module:
    """Return what runs under a condition, or is tried: an import there may find nothing."""
    kinds = (ast.Try, ast.TryStar, ast.If, ast.With)
    return ast.Module([each for each in ast.walk(tree) if isinstance(each, kinds)], [])


def _followed(name: str, folder: Path, importer: Path, *, may_lack: bool) -> Iterator[_Own]:
    """Yield the user's modules that an import of ``name`` runs: each package, then the module."""
    top, *rest = name.split(".")
    spec, full = _beside(top, folder, importer, may_lack=may_lack), top
    while spec is not None:
        if spec.origin:
            yield _Own(full, _source(spec, importer))
        places = spec.submodule_search_locations
        if places is None or not rest:
            return
        part, *rest = rest
        if part == "*":
            yield from _all_within(full, places, importer)
            return
        is_folder, full = not spec.origin, f"{full}.{part}"
        spec = PathFinder.find_spec(part, places)
        if spec is None and is_folder and not may_lack:
            raise _refusal(importer, full, "the folder has no such module")


def _all_within(name: str, places: Sequence[str], importer: Path) -> Iterator[_Own]:
    """Yield the modules of a package, any of which ``import *`` may run."""
    for info in pkgutil.iter_modules(places):
        spec = PathFinder.find_spec(info.name, places)
        if spec is not None:
            yield _Own(f"{name}.{info.name}", _source(spec, importer))


def _beside(top: str, folder: Path, importer: Path, *, may_lack: bool) -> ModuleSpec | None:
    """Return where in the plug-in's folder the module or package is; None for a library.

    None too where there is none and ``may_lack``: the copy has none either.

    A folder without ``__init__.py`` is a package too, after all that have one or are modules.
    """
    if not top:
        why = "the file is in no package; write the import without its leading dots"
        raise _refusal(importer, "a relative name", why)
    if top in sys.builtin_module_names:
        return None
    beside = PathFinder.find_spec(top, [str(folder)])
    if beside is None or not beside.origin:
        other = PathFinder.find_spec(top, [str(Path.cwd()), *sys.path])
        if other is not None and (other.origin or beside is None):
            if _is_library(other):
                return None
            raise _refusal(importer, top, f"it is at {_place(other)}")
    if beside is None and top not in sys.stdlib_module_names and not may_lack:
        raise _refusal(importer, top, "it is not found")
    return beside


def _is_library(spec: ModuleSpec) -> bool:
    place = _place(spec)
    standard = any(place.is_relative_to(folder) for folder in _STANDARD)
    return standard or not _INSTALLED.isdisjoint(place.parts)


def _place(spec: ModuleSpec) -> Path:
    """Return the file of a module, or the first folder of a package that has none."""
    return Path(spec.origin or next(iter(spec.submodule_search_locations or ()), ""))


def _source(spec: ModuleSpec, importer: Path) -> Path:
    path = _place(spec)
    if path.suffix != ".py":
        raise _refusal(importer, spec.name, f"{path} is compiled and cannot be read")
    return path


def _refusal(importer: Path, name: str, why: str) -> StudyError:
    return StudyError(
        f"the plug-in's file {importer} imports {name}: {why}. What a plug-in imports must lie "
        "beside it or be installed, or an edit to it would change results and no digest"
    )
