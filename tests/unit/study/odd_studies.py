"""Studies that somebody could have written: ours, with a slip of the pen, or many."""

from __future__ import annotations

import copy
import datetime
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st
from safebasin.study.config import Study
from safebasin.study.load import read_layers

from .conftest import ROOT

FILES = [
    *[ROOT / "studies" / f"{name}.yaml" for name in ("smoke", "smoke", "ping", "projectors")],
    *sorted((ROOT / "examples").glob("*/study.yaml")),
    ROOT / "config.yaml",
]
ODD: list[Any] = [
    *(None, True, False, "", " ", "\n", "x" * 5000, "a\tb", "a\0b", "\ud800", "\x1b[31m", "\u202e"),
    *(
        "..",
        "../..",
        "/",
        "~",
        "con",
        "nul.",
        "a/b",
        "A" * 61,
        "{prompt}",
        "{",
        "{{",
        "%s",
        "{a.b}",
    ),
    *(
        "yes",
        "no",
        "010",
        "1e3",
        ".nan",
        "1:30",
        "2020-13-45",
        "0x10",
        "rest",
        "full",
        "null",
        "int",
    ),
    *("./x.py:Y", "examples/own_judge/judge.py:Nothing", "hub", "[", "a" * 40, "0" * 40, "{% if"),
    *(0, -0.0, 1, -1, 2, 3, 5, 7, 9, 63, 10**6, 2**31, 2**32, 2**53 + 1, 2**63, 2**70, -(2**63)),
    *(10**400, 0.5, 1.0, 1.5, -0.5, 1e-300, 1e300, 1e16, float("nan"), float("inf"), -float("inf")),
    *([], {}, [[]], [{}], {"": {}}, {"type": "plugin"}, {"a": 1}, [1, 1], ["a", "a"], ["a", None]),
    *({1: 2}, {None: 1}, {True: "a"}, {"a": {"b": {"c": []}}}, [1, "a", None, {}], b"bytes", {"s"}),
    *(datetime.date(2020, 1, 2), datetime.datetime(2020, 1, 2, 3, 4), ["x"] * 3000, [0] * 3000),
]
"""What should stand nowhere, and what should stand elsewhere."""
SCALARS: dict[str, Any] = {
    **{"010": None, "08": None, "0o10": None, "0b1": None, "1e999": None, "1e-999": None},
    **{
        ".nan": None,
        "-.inf": None,
        "9" * 5000: None,
        "!!int 08": None,
        "! 3": None,
        "1e-310": None,
    },
    **{
        "0x10": 16,
        "1_000": 1000,
        "1e1": 10.0,
        ".5": 0.5,
        "+1": 1,
        "5.": 5.0,
        "-0": 0,
        "1e-4": 1e-4,
    },
    **{"1:30": "1:30", "2020-01-02": "2020-01-02", "~": None, "=": "=", "0x": "0x", "1__0": "1__0"},
    **{"1.5e+2": 150.0, "3e0": 3.0, "0.1_5": 0.15, "NaN": "NaN", '"1"': "1", "!!str 7": "7"},
}
"""What may be written for a number, and what it may be read as; None where it is refused."""
PIECES = (
    *("\t", "\0", "\x07", "\x85", "\u2028", "\r", "\n", "---\n", "...\n", "# ", "- ", ": ", "? "),
    *("&a ", "*a", "<<: *a\n", "!!set ", "!!python/object:os.system ", "!x ", "%YAML 1.1\n", "|\n"),
    *(
        "[",
        "]",
        "{",
        "}",
        ",",
        '"',
        "'",
        "\\",
        "\ufeff",
        "@",
        "`",
        "%",
        "[" * 80,
        "{a: " * 80,
        "  ",
    ),
    *(
        "null",
        "no",
        "010",
        "1e999",
        '"\\ud800"',
        "\ud800",
        "x: &a [*a]\n",
        "0" * 5000,
        "study: b\n",
    ),
)


@cache
def _studies() -> list[dict[str, Any]]:
    return [read_layers(path) for path in FILES]


@cache
def _texts() -> list[str]:
    return [
        re.sub(
            "(?m)^extends: (.*)$",
            lambda told, path=path: f"extends: {(path.parent / told[1]).resolve()}",
            path.read_text(encoding="utf-8"),
        )
        for path in FILES
    ]


def _places(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if way:
        yield way
    named = value.items() if isinstance(value, dict) else ()
    for key, inner in [*named, *(enumerate(value) if isinstance(value, list) else ())]:
        yield from _places(inner, (*way, key))


def at(value: Any, way: tuple[Any, ...]) -> Any:
    """Return what stands there."""
    for part in way:
        value = value[part]
    return value


def from_schema(node: dict[str, Any], depth: int = 0) -> st.SearchStrategy[Any]:
    """Return values that the schema allows, or hardly does not."""
    if "$ref" in node:
        node = schema()["$defs"][node["$ref"].rpartition("/")[2]]
    if "anyOf" in node or "oneOf" in node:
        return st.one_of(
            [from_schema(each, depth) for each in node.get("anyOf", node.get("oneOf"))]
        )
    if "const" in node or "enum" in node:
        return st.sampled_from([node["const"]] if "const" in node else node["enum"])
    kind = node.get("type")
    if kind in ("integer", "number"):
        low = node.get("minimum", node.get("exclusiveMinimum", -3))
        high = node.get("maximum", node.get("exclusiveMaximum", 40))
        ends = [low - 1, low, low + 1, high - 1, high, high + 1, (low + high) / 2]
        return st.sampled_from([int(end) if kind == "integer" else end for end in ends])
    if kind == "boolean":
        return st.booleans()
    if kind == "string":
        return st.sampled_from(["a", "none", "x.py:Y", "tiny", "words", "{prompt} b", "", "z" * 70])
    if kind == "array" and depth < 4:
        return st.lists(from_schema(node.get("items", {}), depth + 1), max_size=3)
    if kind == "object" and depth < 4:
        return _object(node, depth)
    return st.sampled_from([None, 1, "a"])


def _object(node: dict[str, Any], depth: int) -> st.SearchStrategy[Any]:
    needed = set(node.get("required", ()))
    told = {key: from_schema(each, depth + 1) for key, each in node.get("properties", {}).items()}
    if not told:
        return st.dictionaries(st.sampled_from(["a", "b"]), st.sampled_from([1, "a"]), max_size=2)
    return st.fixed_dictionaries(
        {key: each for key, each in told.items() if key in needed},
        optional={key: each for key, each in told.items() if key not in needed},
    )


@cache
def schema() -> dict[str, Any]:
    """Return the schema of a study."""
    return Study.model_json_schema(by_alias=True)


@cache
def _drawn() -> dict[str, st.SearchStrategy[Any]]:
    """Return for each section what the schema draws for it."""
    return {key: from_schema(node) for key, node in schema()["properties"].items()}


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    """Draw one of our studies with up to three things changed."""
    study = copy.deepcopy(draw(st.sampled_from(_studies())))
    for _ in range(draw(st.sampled_from([1, 1, 1, 2, 3]))):
        way = draw(st.sampled_from(list(_places(study)) or [("study",)]))
        _change(draw, study, way)
    return study


def _change(draw: st.DrawFn, study: dict[str, Any], way: tuple[Any, ...]) -> None:
    holder, last = at(study, way[:-1]), way[-1]
    ways = ["odd", "drop", "rename", "splice", "double", "schema", *["other"] * 5]
    how = draw(st.sampled_from(ways))
    if how == "other" and (others := _others(study, holder[last])):
        holder[last] = draw(st.sampled_from(others))
    elif how == "odd":
        holder[last] = copy.deepcopy(draw(st.sampled_from(ODD)))
    elif how == "drop":
        del holder[last]
    elif how == "splice":
        other = draw(st.sampled_from(_studies()))
        holder[last] = copy.deepcopy(at(other, draw(st.sampled_from(list(_places(other))))))
    elif how == "double" and isinstance(holder, list):
        holder.append(copy.deepcopy(holder[last]))
    elif how in ("rename", "double") and isinstance(holder, dict):
        name = draw(
            st.sampled_from([str(last).upper(), f"{last}x", f"{last} ", "a" * 61, "int", ""])
        )
        holder[name] = holder.pop(last) if how == "rename" else copy.deepcopy(holder[last])
    else:
        key = draw(st.sampled_from(sorted(_drawn())))
        study[key] = copy.deepcopy(draw(_drawn()[key]))


def _others(study: dict[str, Any], value: Any) -> list[Any]:
    """Return values that might do in the place of this one."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int | float):
        half = value / 2 if abs(value) < 2**1000 else value // 2  # no float is so large
        return [value + 1, value * 2, half, 1, 2, 3, 7, 0.25, 1000, 2**31 - 1, 2**32 - 1, 1e-9]
    if isinstance(value, str):
        return [name for named in study.values() if isinstance(named, dict) for name in named]
    return [value[::-1], value[:1], [*value, *value[:1]]] if isinstance(value, list) else []


@st.composite
def retyped(draw: st.DrawFn) -> str:
    """Draw the text of one of our studies with pieces put in, taken out, or written twice."""
    text = draw(st.sampled_from(_texts()))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.sampled_from([0, 0, 1, 2, 9, 60])))
        piece = draw(st.sampled_from([*PIECES, text[start:end] * 2]))
        text = text[:start] + piece + text[end:]
    return text


@st.composite
def rewritten(draw: st.DrawFn) -> tuple[str, tuple[Any, ...], str]:
    """Draw one of our studies with a number written otherwise: text, place, what is written."""
    study = copy.deepcopy(draw(st.sampled_from(_studies())))
    numbers = [
        way
        for way in _places(study)
        if type(at(study, way)) in (int, float) and "extends" not in way
    ]
    way, written = draw(st.sampled_from(numbers)), draw(st.sampled_from(sorted(SCALARS)))
    at(study, way[:-1])[way[-1]] = "HERE"
    return json.dumps(study).replace('"HERE"', written), way, written


def text_of(study: dict[str, Any]) -> bytes:
    """Return the study as a file."""
    return yaml.dump(study, allow_unicode=True).encode("utf-8", "surrogatepass")


def numbers_of(study: Any) -> Iterator[tuple[tuple[Any, ...], float]]:
    """Yield every number that is written, with its place."""
    for way in _places(study):
        if type(value := at(study, way)) in (int, float):
            yield way, value


def write(folder: Path, raw: bytes) -> Path:
    """Write one study; the last one's file is taken again."""
    path = folder / "study.yaml"
    path.write_bytes(raw)
    return path
