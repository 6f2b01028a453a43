"""The process in which chat templates run: one JSON request a line in, one JSON answer a line out.

A chat template is a program from outside. Here it runs as transformers runs it (jinja2's sandbox
with the same filters, names and tags; a test compares), except that it has no clock, no dice, and
limits. What goes over the limit on processor time is ended by the kernel, whatever it is doing, and
this process with it. It is started by its path and imports nothing of ours.
"""

from __future__ import annotations

import datetime
import json
import re
import resource
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import lru_cache, partial
from typing import Any

import jinja2
import jinja2.ext
import jinja2.meta
import jinja2.nodes
import jinja2.parser
import jinja2.sandbox

SECONDS = 2.0
"""Processor time that one rendering may take; a long conversation takes some milliseconds."""
MEMORY = 1 << 30
_SPARE = 1_000_000
_TIMES = 8
"""A rendering may be this many times as long as what goes in, and so many characters longer."""
_ADDRESS = re.compile(r"(?:<[^<>\n]{1,200})? at 0x[0-9a-f]{6,}>?")
"""A thing of Python's, written where its text was meant; the number differs from run to run."""
_DICE = "it picks at random, and answers would differ from run to run"


class _Generation(jinja2.ext.Extension):
    """The tag with which templates mark what the assistant says; it changes no text."""

    tags = {"generation"}  # noqa: RUF012 - as jinja2 declares it

    def parse(self, parser: jinja2.parser.Parser) -> jinja2.nodes.Node:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        call = self.call_method("_said")
        return jinja2.nodes.CallBlock(call, [], [], body).set_lineno(line)

    def _said(self, caller: Callable[[], str]) -> str:
        return caller()


class _Namespace(jinja2.utils.Namespace):
    """A namespace that takes no name of Python's own."""

    def __init__(*args: Any, **named: Any) -> None:  # `self` may be one of the names
        self, *rest = args
        names = dict(*rest, **named)
        for name in names:
            _refuse_private(name)
        jinja2.utils.Namespace.__init__(self, names)

    def __setitem__(self, name: str, value: Any) -> None:
        _refuse_private(name)
        super().__setitem__(name, value)


class _Dict:
    """``dict`` without its attributes."""

    def __call__(self, *args: Any, **named: Any) -> dict[Any, Any]:
        return dict(*args, **named)

    def fromkeys(self, *args: Any) -> dict[Any, Any]:
        return dict.fromkeys(*args)


def _refuse_private(name: object) -> None:
    if isinstance(name, str) and name.startswith("_"):
        raise jinja2.exceptions.SecurityError(f"a namespace takes no name such as {name!r}")


def _raise(message: object) -> None:
    raise jinja2.TemplateError(str(message))


def _random(*_: object) -> None:
    raise jinja2.TemplateError(_DICE)


def _json(
    value: Any,
    ensure_ascii: bool = False,
    indent: Any = None,
    separators: Any = None,
    sort_keys: bool = False,
) -> str:
    return json.dumps(
        value,
        ensure_ascii=ensure_ascii,
        indent=indent,
        separators=separators,
        sort_keys=sort_keys,
    )


def _now(date: str, form: str) -> str:
    return datetime.datetime.fromisoformat(date).strftime(form)


@lru_cache(maxsize=16)
def _compiled(text: str, date: str) -> jinja2.Template:
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=[_Generation, jinja2.ext.loopcontrols],
    )
    environment.filters |= {"tojson": _json, "random": _random}
    environment.globals |= {
        "raise_exception": _raise,
        "strftime_now": partial(_now, date),
        "dict": _Dict(),
        "namespace": _Namespace,
    }
    del environment.globals["lipsum"]  # random words
    tree = environment.parse(text)
    names = {node.name for node in tree.find_all(jinja2.nodes.Filter)}
    if "random" in names or "lipsum" in jinja2.meta.find_undeclared_variables(tree):
        raise jinja2.TemplateError(_DICE)
    return environment.from_string(text)


def _rendered(template: str, date: str, values: Mapping[str, Any], longest: int) -> str:
    pieces: list[str] = []
    left = longest
    for piece in _compiled(template, date).generate(values):
        left -= len(piece)
        if left < 0:
            raise jinja2.TemplateError(f"it writes more than {longest} characters")
        pieces.append(piece)
    return "".join(pieces)


def _variables(template: str, date: str) -> list[str]:
    """Return the names that the template takes from outside.

    A name that it sets before it first asks for it is not one: it writes its own value over.
    """
    tree = _compiled(template, date).environment.parse(template)
    first: dict[str, str] = {}
    for name, use in _names(tree):
        first.setdefault(name, use)
    outside = jinja2.meta.find_undeclared_variables(tree)
    return sorted(name for name in outside if first.get(name) == "load")


def _names(node: jinja2.nodes.Node) -> Iterator[tuple[str, str]]:
    """Yield each name and its use, in the order in which they are come by."""
    if isinstance(node, jinja2.nodes.Name):
        yield node.name, node.ctx
    parts = list(node.iter_child_nodes())
    if isinstance(node, jinja2.nodes.Assign | jinja2.nodes.For):
        parts[:2] = reversed(parts[:2])  # what is set follows what it is set to
    for part in parts:
        yield from _names(part)


def _answer(line: str) -> dict[str, Any]:
    asked = json.loads(line)
    try:
        if "values" not in asked:
            return {"variables": _variables(asked["template"], asked["date"])}
        longest = _SPARE + _TIMES * len(line)
        text = _rendered(asked["template"], asked["date"], asked["values"], longest)
        if strange := [found for found in _ADDRESS.findall(text) if found not in line]:
            return {"fault": f"it writes {strange[0]}, which is no text"}
    except MemoryError:
        return {"fault": f"it takes more than {MEMORY >> 20} MiB of memory"}
    except Exception as error:  # whatever a program from outside may raise
        place = f", line {error.lineno}" if isinstance(error, jinja2.TemplateSyntaxError) else ""
        told = str(error) or type(error).__name__
        plain = isinstance(error, jinja2.TemplateError)
        return {"fault": f"{told if plain else f'{type(error).__name__}: {told}'}{place}"}
    return {"text": text}


def main() -> None:
    """Answer until there is nobody left to ask."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who asks ends us, by closing the pipe
    signal.signal(signal.SIGPROF, signal.SIG_DFL)  # what is ignored or blocked is inherited
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGPROF])
    for what, most in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CORE, 0)):
        _, hard = resource.getrlimit(what)
        least = most if hard == resource.RLIM_INFINITY else min(most, hard)
        with suppress(OSError, ValueError):  # not every system limits everything
            resource.setrlimit(what, (least, least))
    for line in sys.stdin:
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        answer = _answer(line)
        signal.setitimer(signal.ITIMER_PROF, 0)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
