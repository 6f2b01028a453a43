"""Notes: a box to save, and a shopping list that leads to the market."""

from __future__ import annotations

from safebasin.agents.dojo.sites.form import Form
from safebasin.agents.dojo.sites.site import filled_up
from safebasin.agents.dojo.state import Element, State

FORM = Form(
    box="note box",
    button="save",
    done="Saved",
    elsewhere=(("clear", "clear"), ("tags", "tags")),
)
LISTS = [("reading", "reading list"), ("birthdays", "birthday list"), ("films", "film list")]
PLACES = ("1st", "2nd", "3rd")


class Notes:
    """Views: ``form``, ``lists`` (which lists there are), ``shopping`` (the list's lines)."""

    def elements(self, state: State) -> list[Element]:
        """Return the note's box, or the lists, or the lines of one."""
        if state.view == "form":
            return FORM.elements(state)
        if state.view == "lists":
            return filled_up([Element("shopping", "shopping list")], LISTS, state.elements)
        goods = state.goods["market"][: max(2, state.elements - 1)]
        lines = [
            Element(f"line {i}", f"{place}: {each}")
            for i, (place, each) in enumerate(zip(PLACES, goods, strict=False))
        ]
        return filled_up(lines, [("lists", "all lists")], state.elements)

    def click(self, state: State, key: str) -> None:
        """Follow a line to the market, open a list, or use the note's form."""
        if state.view == "form":
            FORM.click(state, key)
        elif key in ("shopping", "lists"):
            state.go("notes", key)
        elif key.startswith("line "):
            state.found = state.goods["market"][int(key.removeprefix("line "))]
            state.go("market", "found")
        else:
            state.notice = f"Nothing in {key}."

    def type(self, state: State, key: str, text: str) -> None:
        """Replace what the note's box holds."""
        FORM.type(state, key, text)
