"""The import closure of a module: the files of a package that its code consists of."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from safebasin.store.syntax import syntax_digest


@dataclass(frozen=True, slots=True)
class _Module:
    """One source file: its syntax digest, what it imports, the data files it names."""

    digest: str
    imports: tuple[str, ...]
    data: tuple[Path, ...] = field(default=())


def import_closure(package: Path, roots: tuple[str, ...]) -> dict[str, str]:
    """Return file name (relative to the package) to digest, for all that ``roots`` may run.

    Followed are the imports of the package's own modules, wherever in the source they stand,
    except those for type checking only. A file that lies beside a module and is named by a
    string in it (a word list, a template) belongs to it, by its bytes.

    Raises:
        FileNotFoundError: a root is no module of the package.
    """
    found: dict[str, str] = {}
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        path = module_path(package, name)
        if path is None:
            raise FileNotFoundError(f"{package.name} has no module {name}")
        relative = path.relative_to(package).as_posix()
        if relative in found:
            continue
        module = _read_module(package, path, name)
        found[relative] = module.digest
        for data in module.data:
            found[data.relative_to(package).as_posix()] = bytes_digest(data)
        waiting.extend(module.imports)
    return dict(sorted(found.items()))


def module_path(package: Path, name: str) -> Path | None:
    """Return the file of the module ``name`` ("safebasin.store.spec"), or None."""
    parts = name.split(".")
    if parts[0] != package.name:
        return None
    stem = package.joinpath(*parts[1:])
    for candidate in (stem.with_suffix(".py"), stem / "__init__.py"):
        if candidate.is_file() and candidate != package.with_suffix(".py"):
            return candidate
    return None


def combine(*closures: Mapping[str, str]) -> str:
    """Return 16 hex digits for closures; files of one name in two of them both count."""
    files = sorted(pair for closure in closures for pair in closure.items())
    text = "\n".join(f"{name} {digest}" for name, digest in files)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _read_module(package: Path, path: Path, name: str) -> _Module:
    stat = path.stat()
    return _parse_module(package, path, name, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=4096)
def _parse_module(package: Path, path: Path, name: str, mtime: int, size: int) -> _Module:
    """Parse once; ``mtime`` and ``size`` make an edited file another cache entry."""
    del mtime, size
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    candidates = imported_names(tree, name, is_package=path.name == "__init__.py")
    imports = {resolved for each in candidates if (resolved := resolve_module(package, each))}
    return _Module(
        digest=syntax_digest(tree),
        imports=tuple(sorted(imports)),
        data=tuple(named_files(tree, path)),
    )


def resolve_module(package: Path, candidate: str) -> str | None:
    """Return the module that ``candidate`` names, or holds as an attribute, or None."""
    while candidate.split(".")[0] == package.name:
        if module_path(package, candidate):
            return candidate
        if "." not in candidate:
            return None
        candidate = candidate.rpartition(".")[0]
    return None


def imported_names(tree: ast.Module, name: str, *, is_package: bool) -> Iterator[str]:
    """Yield the dotted names that the module imports at run time."""
    home = name if is_package else name.rpartition(".")[0]
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.expr):
            continue  # no import stands in an expression
        if isinstance(node, ast.If) and _is_type_checking(node.test):
            waiting.extend(node.orelse)
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = home.split(".")[: len(home.split(".")) - node.level + 1]
                base = ".".join([*above, base] if base else above)
            yield from (f"{base}.{alias.name}" for alias in node.names)
        waiting.extend(ast.iter_child_nodes(node))


def _is_type_checking(test: ast.expr) -> bool:
    """Whether the test is ``TYPE_CHECKING`` itself; what stands under its denial does run."""
    return "TYPE_CHECKING" in (getattr(test, "id", None), getattr(test, "attr", None))


def named_files(tree: ast.Module, path: Path) -> Iterator[Path]:
    """Yield the files beside ``path``, or in folders beside it, that a string in it names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            name = node.value
            if 0 < len(name) < 100 and "." in name and "\n" not in name:
                beside = path.parent / name
                outside = name.startswith("/") or ".." in Path(name).parts
                if not (outside or name.endswith(".py")) and beside.is_file():
                    yield beside


def bytes_digest(path: Path) -> str:
    """Return the SHA-256 of the file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
