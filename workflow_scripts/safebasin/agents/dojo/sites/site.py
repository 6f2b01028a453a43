"""What every site can do."""

from __future__ import annotations

from typing import Protocol

from safebasin.agents.dojo.state import Element, State, shown


class Site(Protocol):
    """A state machine over ``State``; ``state.page`` is its own when it is asked."""

    def elements(self, state: State) -> list[Element]:
        """Return the elements of the view, in no order that an agent sees."""
        ...

    def click(self, state: State, key: str) -> None:
        """Change the state as a click on an element does."""
        ...

    def type(self, state: State, key: str, text: str) -> None:
        """Change the state as text in a box does; only boxes are asked."""
        ...


def box(state: State, key: str, label: str) -> Element:
    """Return a text box that shows its draft; drafts belong to their site."""
    draft = state.drafts.get(f"{state.page}/{key}", "")
    return Element(key, f'{label}: "{shown(draft)}"' if draft else label, takes_text=True)


def filled_up(wanted: list[Element], extra: list[tuple[str, str]], count: int) -> list[Element]:
    """Return the elements, filled up to ``count`` from pairs of key and label."""
    missing = max(0, count - len(wanted))
    return wanted + [Element(key, label) for key, label in extra[:missing]]
