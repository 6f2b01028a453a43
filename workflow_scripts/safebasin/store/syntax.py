"""The syntax of a module as a digest: comments, docstrings and layout do not count.

Python's own ``ast.dump`` prints one source in three ways on 3.11, 3.12 and 3.13, so the tree is
serialised here.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator

_POSITIONS = frozenset({"lineno", "col_offset", "end_lineno", "end_col_offset", "ctx"})
_DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def syntax_digest(tree: ast.Module) -> str:
    """Return the SHA-256 of what a parsed module means to the interpreter."""
    digest = hashlib.sha256()
    for piece in _pieces(tree):
        digest.update(piece.encode("utf-8", "surrogatepass"))
        digest.update(b"\0")
    return digest.hexdigest()


def _pieces(node: object) -> Iterator[str]:
    if isinstance(node, ast.AST):
        yield f"({type(node).__name__}"
        for name in node._fields:
            value = getattr(node, name, None)
            if isinstance(node, ast.JoinedStr):
                value = _without_empty_text(node)
            # An empty field is left out: newer Pythons add fields that older code leaves empty.
            if name in _POSITIONS or value is None or value == []:
                continue
            if name == "body" and isinstance(node, _DOCUMENTED):
                value = _without_docstring(node)
            yield f".{name}"
            yield from _pieces(value)
        yield ")"
    elif isinstance(node, list):
        yield "["
        for item in node:
            yield from _pieces(item)
        yield "]"
    else:
        yield f"{type(node).__name__}:{node!r}"


def _without_empty_text(node: ast.JoinedStr) -> list[ast.expr]:
    # Python 3.12.1 adds an empty text to f"{value:{form}}", other versions do not.
    return [
        part for part in node.values if not (isinstance(part, ast.Constant) and part.value == "")
    ]


def _without_docstring(node: ast.AST) -> list[ast.stmt]:
    body: list[ast.stmt] = getattr(node, "body", [])
    if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        return body[1:] if isinstance(body[0].value.value, str) else body
    return body
