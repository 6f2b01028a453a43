"""YAML in which nothing is dropped, grows or becomes another value in silence.

Numbers are those that people write (``1e-4`` is one, a date and ``1:30`` are text). What YAML 1.1
and 1.2 read as two numbers is refused with what to write instead, as are tags, keys that are not
words, and files that are larger, deeper or longer than their limits; each with its key and line.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import yaml

from safebasin.errors import StudyError
from safebasin.yaml_numbers import FLOAT, INTEGER, to_float, to_integer, unclear

_TAG = "tag:yaml.org,2002:"
_INT, _FLOAT, _BOOL, _TEXT = f"{_TAG}int", f"{_TAG}float", f"{_TAG}bool", f"{_TAG}str"
_MERGE = f"{_TAG}merge"
_WORDS = frozenset({"yes", "no", "on", "off"})
"""What YAML 1.1 takes for truth values where it stands without quotes, and 1.2 for words."""
_UNSEEN_BREAKS = re.compile("[\x85\u2028\u2029]")
_NO_TEXT = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much one file may hold."""

    what: str
    """What the file is, in messages."""
    size: int = 2**20
    """Bytes."""
    depth: int = 50
    """Levels of lists and mappings, aliases followed."""
    values: int = 30_000
    """Keys and values, each alias counted as what it stands for."""
    free: frozenset[str] = frozenset()
    """Keys below which any type may stand: only there a bare ``no`` or ``1_000`` is refused, for
    elsewhere the type that is needed tells what is meant."""


@dataclass(slots=True)
class _Anchored:
    values: int
    depth: int


@dataclass(slots=True)
class _Reach:
    """How far a file has been read."""

    values: int = 0
    deepest: int = 0
    way: list[str] = field(default_factory=list)
    """The keys from the top to where the reader is."""
    places: dict[int, str] = field(default_factory=dict)
    """The key of each node, by the node's identity."""
    anchored: dict[str, _Anchored] = field(default_factory=dict)


class _Loader(yaml.SafeLoader):
    """The safe loader, that knows where it is and what may be there."""

    def __init__(self, text: str, name: str, limits: Limits) -> None:
        super().__init__(text)
        self.name = name
        self._limits = limits
        self._reach = _Reach()

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node:
        """Return the next node, after it was seen to keep the limits and to be one value."""
        reach, event = self._reach, self.peek_event()  # type: ignore[no-untyped-call]
        is_value = parent is None or not (isinstance(parent, yaml.MappingNode) and index is None)
        reach.way.extend(_step(parent, index))
        outer, reach.deepest, before = reach.deepest, len(reach.way), reach.values
        self._count(event)
        node = super().compose_node(parent, index)
        assert node is not None, "an event stands for a node"
        reach.places.setdefault(id(node), ".".join(reach.way))
        if is_value:
            self._refuse_unclear(node)
        if event.anchor is not None and not isinstance(event, yaml.AliasEvent):
            reach.anchored[event.anchor] = _Anchored(
                reach.values - before, reach.deepest - len(reach.way)
            )
        reach.deepest = max(outer, reach.deepest)
        del reach.way[len(reach.way) - len(_step(parent, index)) :]
        return node

    def _count(self, event: Any) -> None:
        """Refuse a tag, an alias of itself, and what goes beyond the limits."""
        reach, limits = self._reach, self._limits
        reach.values += 1
        if isinstance(event, yaml.AliasEvent):
            anchored = reach.anchored.get(str(event.anchor))
            if anchored is None and event.anchor in self.anchors:
                self._refuse(event, f"*{event.anchor} stands within what it stands for")
            reach.values += anchored.values - 1 if anchored else 0
            reach.deepest += anchored.depth if anchored else 0
        elif event.tag is not None and not (
            event.tag == _TEXT and isinstance(event, yaml.ScalarEvent)
        ):
            told = event.tag.replace(_TAG, "!!")
            self._refuse(
                event,
                f"a tag ({told:.40}) is not YAML that is read here; write the value itself, text "
                "in quotes",
            )
        if reach.deepest > limits.depth:
            cure = f"{limits.what} has at most {limits.depth} levels"
            self._refuse(event, f"nested too deeply: {cure}")
        if reach.values > limits.values:
            self._refuse(
                event,
                f"too much: {limits.what} has at most {limits.values} values, each alias counted "
                "as what it stands for",
            )

    def _refuse_unclear(self, node: yaml.Node) -> None:
        """Refuse a bare scalar that YAML 1.1 and 1.2, or Python, take for different values."""
        if _is_bare(node, _INT, _FLOAT) and (cure := unclear(node.value)):
            self._refuse(node, cure)
        if not self._limits.free.isdisjoint(self._reach.way):
            for each in _scalars(node):
                if _is_bare(each, _BOOL) and each.value.lower() in _WORDS:
                    self._refuse(
                        node,
                        f"to YAML a bare {each.value} is a truth value; for the word put it in "
                        f'quotes, "{each.value}", else write true or false',
                    )
                if _is_bare(each, _INT, _FLOAT) and "_" in each.value:
                    plain = each.value.replace("_", "")
                    self._refuse(
                        node,
                        f"{each.value} is a number to some and text to others; write {plain}, or "
                        f'"{each.value}" in quotes',
                    )

    def _refuse(self, at: Any, cure: str) -> NoReturn:
        way = [step for step in self._reach.way if step != "<<"]
        raise StudyError(f"{_place(self.name, '.'.join(way), at)}: {cure}")

    def refuse_at(self, node: yaml.Node, cure: str) -> NoReturn:
        """Raise an error that names the key and the line of ``node``."""
        raise StudyError(f"{_place(self.name, self._reach.places.get(id(node), ''), node)}: {cure}")

    def mapping(self, node: yaml.MappingNode) -> dict[str, Any]:
        """Return a mapping whose keys are words, each once and as written."""
        seen: set[str] = set()
        for key_node, _ in node.value:
            key = "<<" if key_node.tag == _MERGE else self._key(key_node)
            if key in seen:
                self.refuse_at(
                    key_node, f"the key {key!r:.60} stands twice; what occurs twice is two things"
                )
            seen.add(key)
        try:
            self.flatten_mapping(node)  # `<<: *name`; what stands beside it wins
        except yaml.constructor.ConstructorError:
            self.refuse_at(node, "<< takes in a mapping, or a list of them, as in `<<: *name`")
        return {
            self._key(key): self.construct_object(value, deep=True) for key, value in node.value
        }

    def _key(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode):
            self.refuse_at(
                node,
                "a key is a word; text that begins with a brace or bracket stands in quotes",
            )
        key = self.construct_object(node, deep=True)
        if not isinstance(key, str) and str(key) != node.value:
            self.refuse_at(
                node,
                f"YAML reads the key {node.value:.60} as {key!r:.60}; put it in quotes: "
                f'"{node.value:.60}"',
            )
        return str(key)

    def text(self, node: yaml.ScalarNode) -> str:
        """Return text that can be written as UTF-8; halves of a character, as JSON has, joined."""
        value = str(node.value)
        if not _NO_TEXT.search(value):
            return value
        joined = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        if "\0" in value or joined.count("\ufffd") > value.count("\ufffd"):
            self.refuse_at(
                node, f"{value!r:.60} holds a character that is none (NUL, or half a one)"
            )
        return joined


def _step(parent: yaml.Node | None, index: Any) -> tuple[str, ...]:
    """Return what leads from ``parent`` to a node in it; nothing at the top and for a key."""
    if isinstance(index, yaml.ScalarNode):
        return (str(index.value),)
    if isinstance(parent, yaml.SequenceNode):
        return (str(index),)
    return ("?",) if index is not None else ()


def _is_bare(node: yaml.Node, *tags: str) -> bool:
    """Return whether it stands without quotes and is taken for one of these."""
    return isinstance(node, yaml.ScalarNode) and node.style is None and node.tag in tags


def _scalars(node: yaml.Node) -> Iterator[yaml.ScalarNode]:
    """Yield the scalars that are no keys, of ``node`` and below."""
    if isinstance(node, yaml.ScalarNode):
        yield node
    for each in node.value if isinstance(node, yaml.CollectionNode) else ():
        yield from _scalars(each[1] if isinstance(each, tuple) else each)


def _place(name: str, key: str, at: Any) -> str:
    shown = key if key.isprintable() else repr(key)[1:-1]
    told = f"{name}: {shown:.200}, " if key else f"{name}, "
    return f"{told}line {at.start_mark.line + 1}"


# The class has its own table, so that yaml.SafeLoader stays as it is.
_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, pattern)
        for tag, pattern in resolvers
        if tag.removeprefix(_TAG) in ("bool", "null", "merge")
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(_INT, INTEGER, list("-+0123456789"))
_Loader.add_implicit_resolver(_FLOAT, FLOAT, list("-+0123456789."))
_Loader.add_constructor(_INT, lambda _, node: to_integer(node.value))
_Loader.add_constructor(_FLOAT, lambda _, node: to_float(node.value))
_Loader.add_constructor(_TEXT, _Loader.text)
_Loader.add_constructor(_MERGE, _Loader.text)
_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _Loader.mapping)


def read_mapping(path: Path, limits: Limits) -> dict[str, Any] | None:
    """Return the mapping in ``path``; None where there is nothing in it.

    Raises:
        StudyError: the file cannot be read, is not YAML or no mapping, goes beyond a limit, or
            holds what could be taken for two things.
    """
    value = _parsed(_text_of(path, limits), str(path), limits)
    if value is not None and not isinstance(value, dict):
        raise StudyError(
            f"{path}: {limits.what} is a mapping of keys at its top, as in `key: value`, not "
            f"{value!r:.40}"
        )
    return value


def _text_of(path: Path, limits: Limits) -> str:
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):
            kind = "a folder" if stat.S_ISDIR(about.st_mode) else "no regular file"
            raise StudyError(f"{path}: it is {kind}; one YAML file is needed")
        if about.st_size > limits.size:
            raise StudyError(
                f"{path}: it has {about.st_size} bytes; {limits.what} has at most {limits.size}"
            )
        return path.read_text(encoding="utf-8-sig")  # editors of Windows put a BOM before it
    except OSError as problem:
        raise StudyError(f"{path}: the file cannot be read ({problem.strerror})") from None
    except UnicodeDecodeError as problem:
        raise StudyError(
            f"{path}: the file is not UTF-8 ({problem.reason}); save it as UTF-8"
        ) from None


def _parsed(text: str, name: str, limits: Limits) -> Any:
    if "\0" in text:
        raise StudyError(f"{name}: the file is not UTF-8 (it looks like UTF-16)")
    if odd := _UNSEEN_BREAKS.search(text):
        line = text.count("\n", 0, odd.start()) + 1
        raise StudyError(
            f"{name}, line {line}: the character U+{ord(odd[0]):04X} ends a line to some and not "
            f'to others; write "\\u{ord(odd[0]):04x}" within double quotes'
        )
    try:
        loader = _Loader(text, name, limits)
        try:
            return loader.get_single_data()
        finally:
            loader.dispose()
    except (yaml.YAMLError, ValueError) as problem:
        raise StudyError(f"{name} is not YAML: {problem}") from None
    except RecursionError:
        raise StudyError(f"{name} is not YAML that can be read: nested too deeply") from None
