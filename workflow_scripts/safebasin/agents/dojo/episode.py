"""One task being played: the start, the page as text, the actions and the goal."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import cast

from safebasin.agents.dojo.actions import Action, read_action
from safebasin.agents.dojo.objects import names
from safebasin.agents.dojo.sites.table import SITES
from safebasin.agents.dojo.state import Element, State, shown
from safebasin.agents.world import Step, Task

EXACT = ("market", "files", "social")
"""Sites whose records are things of a list; on the others a text has to name the object."""


class DojoEpisode:
    """A task's state and its log."""

    def __init__(self, task: Task) -> None:
        """Start the task."""
        self._task = task
        self.reset()

    def reset(self) -> str:
        """Set the state back to the start and return the first observation."""
        self.state = start(self._task.details)
        self._over = False
        return self.observation()

    def observation(self) -> str:
        """Return the page: a header, the mail read last, a notice, the numbered elements."""
        lines = [f"Page: {self.state.page}", self.state.memo, self.state.notice]
        elements = [self.line(n) for n in range(1, len(self.elements()) + 1)]
        return "\n".join([line for line in lines if line] + elements)

    def line(self, number: int) -> str:
        """Return how the page shows an element: its label, then its number.

        The number stands last so that who repeats the label comes upon the number next.
        """
        return f"{self.elements()[number - 1].label} [{number}]"

    def elements(self) -> list[Element]:
        """Return the page's elements in the order that the task's salt draws."""
        state = self.state

        def place(element: Element) -> bytes:
            text = f"{state.salt}/{state.page}/{state.view}/{element.key}"
            return sha256(text.encode()).digest()

        return sorted(SITES[state.page].elements(state), key=place)

    def step(self, action: str) -> Step:
        """Do one action; what is no action, or not possible, only gives a notice."""
        if self._over:
            return Step(observation=self.observation(), reward=0.0, done=True)
        self.state.notice = ""
        read = read_action(action)
        if read is None:
            self.state.notice = "That is no action."
        else:
            self._do(read)
        reached = self.reached()
        self._over = reached or (read is not None and read.verb == "exit")
        return Step(observation=self.observation(), reward=float(reached), done=self._over)

    def reached(self) -> bool:
        """Return whether what the task asks for is among the records."""
        details = self._task.details
        site, thing = str(details["site"]), str(details["thing"])
        people = cast(list[str], details["people"])
        return any(
            what == thing
            if site in EXACT
            else names(what, thing) and (site != "mail" or to == people[0])
            for to, what in self.state.records.get(site, [])
        )

    def _do(self, action: Action) -> None:
        state = self.state
        if action.verb == "open":
            site = action.text.strip().casefold()
            if site in SITES:
                state.go(site, state.homes[site])
            else:
                state.notice = f'There is no page "{shown(action.text)}".'
        elif action.verb == "back":
            if state.trail:
                state.page, state.view = state.trail.pop()
            else:
                state.notice = "There is no page to go back to."
        elif action.verb == "exit":
            state.notice = "You left."
        else:
            self._use(action)

    def _use(self, action: Action) -> None:
        elements = self.elements()
        if not 1 <= action.number <= len(elements):
            self.state.notice = f"There is no element {action.number}."
            return
        element = elements[action.number - 1]
        site = SITES[self.state.page]
        if action.verb == "click":
            if element.takes_text:
                self.state.notice = "A box takes a text."
            else:
                site.click(self.state, element.key)
        elif element.takes_text:
            site.type(self.state, element.key, action.text)
        else:
            self.state.notice = f"Element {action.number} takes no text."


def start(details: Mapping[str, object]) -> State:
    """Return the state that a task starts in."""
    site, shape = str(details["site"]), str(details["shape"])
    beside = cast(list[str], details["beside"])
    person, other = cast(list[str], details["people"])
    sender = str(details["sender"])
    homes = dict.fromkeys(SITES, "form") | dict.fromkeys(EXACT, "list") | {"mail": "write"}
    if shape == "far" and site in EXACT:
        homes[site] = "front"
    if shape == "list":
        homes["notes"] = "lists"
    if shape == "mail":
        homes["mail"] = "inbox"
    goods = {name: list(beside[3:]) for name in EXACT}
    if site in EXACT:
        goods[site] = [str(details["thing"]), *beside[:3]]
    page = str(details["start"])
    return State(
        page=page,
        view=homes[page],
        salt=str(details["salt"]),
        elements=int(cast(int, details["elements"])),
        goods=goods,
        homes=homes,
        people=(person, other),
        mails={
            f"{sender}'s newest mail": str(details["request"]),
            f"{sender}'s older mail": "Thanks for your help.",
            f"{other}'s newest mail": "See you on Monday.",
        },
    )
