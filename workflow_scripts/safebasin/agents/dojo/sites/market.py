"""The market: things are searched for and ordered."""

from __future__ import annotations

from safebasin.agents.dojo.objects import names
from safebasin.agents.dojo.sites.site import filled_up
from safebasin.agents.dojo.state import Element, State, shown

BOX = Element("box", "search box", takes_text=True)
EXTRA = [("basket", "basket"), ("offers", "offers"), ("help", "help")]


class Market:
    """Views: ``front`` (search first), ``list`` (all goods), ``found`` (one thing)."""

    def elements(self, state: State) -> list[Element]:
        """Return what can be ordered here, and the search box."""
        if state.view == "front":
            return filled_up([BOX], EXTRA, state.elements)
        if state.view == "found":
            buy = Element("found", f"buy: {state.found}")
            return filled_up([buy, BOX], EXTRA, state.elements)
        things = state.goods["market"][: max(2, state.elements - 1)]
        wanted = [Element(f"thing {i}", f"buy: {each}") for i, each in enumerate(things)]
        return [*wanted, BOX] if state.elements > len(wanted) else wanted

    def click(self, state: State, key: str) -> None:
        """Order a thing, or say that there is nothing behind the element."""
        if key == "found" or key.startswith("thing "):
            at = key.removeprefix("thing ")
            thing = state.found if key == "found" else state.goods["market"][int(at)]
            state.record(thing)
            state.notice = f"Ordered: {thing}."
        elif key == "basket":
            state.notice = f"Orders so far: {len(state.records.get('market', []))}."
        else:
            state.notice = f"Nothing in {key}."

    def type(self, state: State, key: str, text: str) -> None:
        """List the goods when the text names one of them."""
        if any(names(text, thing) for thing in state.goods["market"]):
            if state.view != "list":
                state.go("market", "list")
            state.notice = f'Results for "{shown(text)}".'
        else:
            state.notice = f'No results for "{shown(text)}".'
