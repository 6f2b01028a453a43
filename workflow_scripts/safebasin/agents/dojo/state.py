"""What a dojo episode is: plain data that sites read and change."""

from __future__ import annotations

from dataclasses import dataclass, field

SHOWN = 48
"""Characters of a typed text that a page repeats; the state keeps the whole."""


@dataclass(frozen=True, slots=True)
class Element:
    """One numbered line of a page."""

    key: str
    """What the site knows it by; the order on the page is drawn from it."""
    label: str
    takes_text: bool = False


@dataclass(slots=True, kw_only=True)
class State:
    """All that an episode remembers."""

    page: str
    view: str
    salt: str
    """Draws the order of the elements."""
    elements: int
    """How many elements a page has, where it can."""
    goods: dict[str, list[str]]
    """What the sites that list things list; a task's own site begins with its object."""
    homes: dict[str, str]
    """The view a site opens with."""
    mails: dict[str, str] = field(default_factory=dict)
    """Sender and age to what the mail asks."""
    people: tuple[str, str] = ("Ana", "Ben")
    """Who can be written to."""
    trail: list[tuple[str, str]] = field(default_factory=list)
    memo: str = ""
    """The mail that was read last; it stays in sight."""
    notice: str = ""
    found: str = ""
    """The thing a shopping list led to."""
    drafts: dict[str, str] = field(default_factory=dict)
    records: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    """What was done, by site: (whom it went to or "", what)."""

    def go(self, page: str, view: str) -> None:
        """Turn to a page and remember the last one for ``back``."""
        self.trail.append((self.page, self.view))
        self.page, self.view = page, view

    def record(self, what: str, to: str = "") -> None:
        """Note down that the page's deed was done."""
        self.records.setdefault(self.page, []).append((to, what))


def shown(text: str) -> str:
    """Return a text cut to what a page shows of it."""
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
