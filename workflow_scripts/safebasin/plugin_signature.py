"""What a plug-in's class is made with, read from its text: nothing of it is run to plan a study.

A class that is decorated, made by another class, or derived from one that is not beside it may take
anything: of those nothing is said here, and the step says what it does not take.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from safebasin.store.plugin_closure import Plugin

_NO_INIT = frozenset({"object", "ABC", "Protocol", "Generic"})
"""Classes to derive from that say nothing of what a class is made with."""
_OBJECTIVE = ("safebasin.tuning.objectives.objective", "Objective")
_OTHER_WAYS = frozenset({"__new__", "__init_subclass__", "configured"})
"""Names in a class whose meaning for the parameters is not followed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """The parameters of a class."""

    kinds: Mapping[str, str | None] = field(default_factory=dict)
    """Each parameter, and the type that stands behind it, if it is a plain name."""
    required: frozenset[str] = frozenset()
    takes_any: bool = False
    is_data: bool = False
    """Whether they are a dataclass's fields."""


_NONE = Signature()
"""Of a class that says nothing of it."""


def class_signature(plugin: Plugin, name: str) -> Signature | None:
    """Return what a class in the plug-in's file takes; None where its text cannot tell."""
    return _Reader(plugin).of(plugin.file.name, name)


class _Reader:
    def __init__(self, plugin: Plugin) -> None:
        self._files = plugin.files
        self._trees: dict[str, ast.Module] = {}
        self._asked: set[tuple[str, str]] = set()

    def of(self, file: str, name: str) -> Signature | None:
        """Return the signature of what ``name`` is in a file."""
        if (file, name) in self._asked or file not in self._files:
            return None
        self._asked.add((file, name))
        if file not in self._trees:
            self._trees[file] = ast.parse(self._files[file])
        found = list(_bindings(self._trees[file], name))
        if len(found) != 1 or found[0] not in self._trees[file].body:
            return None
        node = found[0]
        if isinstance(node, ast.ClassDef):
            return self._of_class(file, node)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name):
            return self.of(file, node.value.id)
        if isinstance(node, ast.ImportFrom):
            return self._imported(file, node, name)
        return None

    def _imported(self, file: str, node: ast.ImportFrom, name: str) -> Signature | None:
        told = next((each.name for each in node.names if name in (each.asname, each.name)), "*")
        if (node.module, told) == _OBJECTIVE or (
            node.module in ("abc", "typing", "typing_extensions") and told in _NO_INIT
        ):
            return _NONE
        if node.level or node.module is None:
            return None
        stem = node.module.replace(".", "/")
        return self.of(f"{stem}.py", told) or self.of(f"{stem}/__init__.py", told)

    def _of_class(self, file: str, node: ast.ClassDef) -> Signature | None:
        inits = list(_bindings(node, "__init__"))
        names = {getattr(each, "name", None) for each in node.body}
        if (
            node.keywords
            or names & _OTHER_WAYS
            or len(inits) > 1
            or _is_given_init(self._trees[file])
        ):
            return None
        is_data = [_is_dataclass(each) for each in node.decorator_list]
        if not all(is_data):
            return None
        if inits:
            init = inits[0]
            return _of_function(init) if isinstance(init, ast.FunctionDef) else None
        bases = [self._of_base(file, base) for base in node.bases]
        if any(base is None for base in bases):
            return None
        known = [base for base in bases if base]
        if is_data:
            told = [base for base in known if base is not _NONE]
            return _of_fields(node, told) if all(base.is_data for base in told) else None
        return next((base for base in known if base is not _NONE), _NONE)

    def _of_base(self, file: str, base: ast.expr) -> Signature | None:
        base = base.value if isinstance(base, ast.Subscript) else base
        if isinstance(base, ast.Attribute):
            return _NONE if base.attr in _NO_INIT else None
        if not isinstance(base, ast.Name):
            return None
        return _NONE if base.id == "object" else self.of(file, base.id)


def _bindings(tree: ast.Module | ast.ClassDef, name: str) -> Iterator[ast.stmt]:
    """Yield what may give ``name`` its meaning in a module or class, outside of what is within."""
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            if node.name == name:
                yield node
            continue
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {each.asname or each.name for each in node.names}
            if names & {name, "*"}:
                yield node
        elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if name in {getattr(each, "id", None) for each in targets}:
                yield node
        waiting.extend(ast.iter_child_nodes(node))


def _is_given_init(tree: ast.Module) -> bool:
    """Whether some class gets its constructor from outside its body."""
    return any(
        isinstance(each, ast.Attribute)
        and each.attr == "__init__"
        and isinstance(each.ctx, ast.Store)
        for each in ast.walk(tree)
    )


def _of_function(init: ast.FunctionDef) -> Signature | None:
    told = init.args
    if init.decorator_list or len(told.posonlyargs) > 1 or not (told.posonlyargs or told.args):
        return None
    positional = told.args if told.posonlyargs else told.args[1:]
    without = len(positional) - len(told.defaults)
    required = {each.arg for each in positional[: max(without, 0)]}
    required |= {
        each.arg
        for each, default in zip(told.kwonlyargs, told.kw_defaults, strict=True)
        if default is None
    }
    return Signature(
        kinds={each.arg: _kind(each.annotation) for each in (*positional, *told.kwonlyargs)},
        required=frozenset(required),
        takes_any=told.kwarg is not None,
    )


def _of_fields(node: ast.ClassDef, bases: list[Signature]) -> Signature:
    """Return the parameters that a dataclass's fields are, with those of its bases."""
    kinds: dict[str, str | None] = {}
    required: set[str] = set()
    for base in reversed(bases):
        kinds |= base.kinds
        required |= base.required
    for each in node.body:
        if not isinstance(each, ast.AnnAssign) or not isinstance(each.target, ast.Name):
            continue
        told, name = ast.unparse(each.annotation), each.target.id
        if "ClassVar" in told or "KW_ONLY" in told:
            continue
        given = _field_options(each.value)
        required.discard(name)
        kinds.pop(name, None)
        if given.get("init") == "False":
            continue
        kinds[name] = _kind(each.annotation)
        has_default = not given or given.keys() & {"default", "default_factory"}
        if each.value is None or not has_default:
            required.add(name)
    return Signature(kinds=kinds, required=frozenset(required), is_data=True)


def _field_options(value: ast.expr | None) -> dict[str, str]:
    """Return the options of a call of ``field``, as text; ``field`` itself is among them."""
    if not isinstance(value, ast.Call) or _last(value.func) != "field":
        return {}
    return {"field": ""} | {str(each.arg): ast.unparse(each.value) for each in value.keywords}


def _is_dataclass(decorator: ast.expr) -> bool:
    """Whether it is ``dataclass`` with a constructor."""
    if isinstance(decorator, ast.Call):
        if any(each.arg in ("init", None) for each in decorator.keywords):
            return False
        decorator = decorator.func
    return _last(decorator) == "dataclass"


def _last(told: ast.expr) -> str | None:
    return getattr(told, "attr", None) or getattr(told, "id", None)


def _kind(annotation: ast.expr | None) -> str | None:
    """Return a type that is a plain name, also one in quotes."""
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        return annotation.value
    return annotation.id if isinstance(annotation, ast.Name) else None
