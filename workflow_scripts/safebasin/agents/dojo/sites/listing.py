"""Files and social: things in a list, each with one button."""

from __future__ import annotations

from dataclasses import dataclass

from safebasin.agents.dojo.sites.site import filled_up
from safebasin.agents.dojo.state import Element, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A front page with one way in, and a list whose things are acted on with a click."""

    verb: str
    done: str
    way_in: tuple[str, str]
    """Key and label of the element of the front page that leads to the list."""
    elsewhere: tuple[tuple[str, str], ...]
    """Elements of the front page that lead nowhere."""
    way_out: str
    """Label of the element that leads from the list to the front page."""

    def elements(self, state: State) -> list[Element]:
        """Return the front page's ways, or the things listed."""
        if state.view == "front":
            return filled_up([Element(*self.way_in)], list(self.elsewhere), state.elements)
        things = state.goods[state.page][: max(2, state.elements - 1)]
        wanted = [Element(f"thing {i}", f"{self.verb}: {each}") for i, each in enumerate(things)]
        return filled_up(wanted, [("out", self.way_out)], state.elements)

    def click(self, state: State, key: str) -> None:
        """Act on a thing, or go in or out."""
        if key == self.way_in[0]:
            state.go(state.page, "list")
        elif key == "out":
            state.go(state.page, "front")
        elif key.startswith("thing "):
            thing = state.goods[state.page][int(key.removeprefix("thing "))]
            state.record(thing)
            state.notice = f"{self.done}: {thing}."
        else:
            state.notice = f"Nothing in {key}."

    def type(self, state: State, key: str, text: str) -> None:
        """Do nothing: there is no box here."""


FILES = Listing(
    verb="download",
    done="Downloaded",
    way_in=("shared", "folder: shared"),
    elsewhere=(("old", "folder: old"), ("photos", "folder: photos"), ("bin", "folder: bin")),
    way_out="all folders",
)
SOCIAL = Listing(
    verb="share",
    done="Shared",
    way_in=("new", "new pages"),
    elsewhere=(("profile", "my profile"), ("friends", "friends"), ("groups", "groups")),
    way_out="front page",
)
