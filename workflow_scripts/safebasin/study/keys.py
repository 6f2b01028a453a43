"""Which keys a study may have at a place, as its JSON schema tells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Schema = Mapping[str, Any]


def keys_at(schema: Schema, place: Sequence[object]) -> set[str]:
    """Return the keys that may stand in the mapping at ``place``.

    Args:
        schema: The schema of the whole study.
        place: The way there: keys, indices, and where a type picks one model of a menu, that type.
    """
    nodes = list(_branches(schema, schema))
    for part in place:
        below = [inner for node in nodes if (inner := _below(node, part)) is not None]
        nodes = (
            [branch for inner in below for branch in _branches(inner, schema)]
            if below
            else [node for node in nodes if _is_of_type(node, part)] or nodes
        )
    return {key for node in nodes for key in node.get("properties", ())}


def _branches(node: Schema, schema: Schema) -> Iterator[Schema]:
    """Yield what ``node`` stands for: what it refers to, each branch of a union, or itself."""
    if "$ref" in node:
        yield from _branches(schema["$defs"][node["$ref"].rpartition("/")[2]], schema)
        return
    union = [*node.get("anyOf", ()), *node.get("oneOf", ())]
    for branch in union:
        yield from _branches(branch, schema)
    if not union:
        yield node


def _below(node: Schema, part: object) -> Schema | None:
    """Return the schema of a mapping's value or of a list's entry."""
    named = node.get("properties", {}).get(part)
    others = [named, *node.get("patternProperties", {}).values(), node.get("additionalProperties")]
    inner = node.get("items") if isinstance(part, int) else next(filter(None, others), None)
    return inner if isinstance(inner, dict) else None


def _is_of_type(node: Schema, part: object) -> bool:
    return bool(node.get("properties", {}).get("type", {}).get("const") == part)
