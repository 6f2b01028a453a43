"""Text with ``{COLUMN}`` where a value of a row goes in."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator

_PIECE = re.compile(r"(?P<open>\{\{)|(?P<close>\}\})|\{(?P<place>[^{}]*)\}|(?P<lone>[{}])|[^{}]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class RowTemplate:
    """A template that was taken apart, so that nothing in it is misread while rows are filled."""

    pieces: tuple[tuple[bool, str], ...]
    """Whether it is a place, and the name of the place or the words."""

    @property
    def places(self) -> tuple[str, ...]:
        """The names of its places, each once, in order."""
        return tuple(dict.fromkeys(text for is_place, text in self.pieces if is_place))

    def filled(self, value: Callable[[str], str]) -> str:
        """Return the text with ``value(place)`` in each place."""
        return "".join(value(text) if is_place else text for is_place, text in self.pieces)


def parse_template(text: str) -> RowTemplate:
    """Take ``text`` apart; ``{{`` and ``}}`` stand for braces, as in Python's own formats.

    Raises:
        ValueError: it has no place, one without a name, or a brace without its partner.
    """
    pieces = []
    for match in _PIECE.finditer(text):
        if match["lone"]:
            raise ValueError(
                f"the {match[0]!r} at character {match.start() + 1} has no partner; a brace that "
                "is no place is doubled: {{ or }}"
            )
        place = match["place"]
        if place is not None and not place.strip():
            raise ValueError("a place is empty; between its braces stands a column: {prompt}")
        words = "{" if match["open"] else "}" if match["close"] else match[0]
        pieces.append((place is not None, words if place is None else place))
    template = RowTemplate(pieces=tuple(pieces))
    if not template.places:
        raise ValueError("no place for a row's own words; {prompt} or {COLUMN} is one")
    return template


def _checked(text: str) -> str:
    parse_template(text)
    return text


RowTemplateText = Annotated[str, AfterValidator(_checked)]
"""A template as it is written."""
