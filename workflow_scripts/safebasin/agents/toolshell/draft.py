"""What a template makes of an object: the files, the request, the goal and the expert's way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from random import Random

Condition = Mapping[str, object]
"""One statement on the state left behind; ``goals.holds`` says which there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """An object that tasks are about; no two have a noun or a person in common."""

    noun: str
    person: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A task without its place: what is there, what is asked and when it is done."""

    wordings: tuple[str, ...] = ()
    """Requests that mean the same; a task gets one of them."""
    files: Mapping[str, str]
    """The home folder at the start: path to text."""
    goal: tuple[Condition, ...]
    """All of it must hold."""
    expert: tuple[tuple[str, str], ...]
    """The expert's turns: a comment line and the code."""
    modes: Mapping[str, int] = field(default_factory=dict)
    """Permission bits of the files that do not have the common ones (rw-r--r--)."""

    def asked(self, *wordings: str) -> Draft:
        """Return this draft with the given wordings."""
        return replace(self, wordings=wordings)

    def beside(self, *conditions: Condition, **files: str) -> Draft:
        """Return this draft with more to hold and more files, ``.txt`` added to their names."""
        more = {f"{name}.txt": text for name, text in files.items()}
        return replace(self, files={**self.files, **more}, goal=(*self.goal, *conditions))


Template = Callable[[Thing, Random], Draft]


def has_text(path: str, text: str) -> Condition:
    """Return the condition that the file holds this text; blanks at its end do not count."""
    return {"that": "text", "path": path, "text": text}


def is_mailed(to: str, *parts: str) -> Condition:
    """Return the condition that one mail to ``to`` holds all the parts."""
    return {"that": "mailed", "to": to, "parts": list(parts)}
