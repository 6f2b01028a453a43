"""Board, search and chat: a text goes into a box, and a button sends it."""

from __future__ import annotations

from dataclasses import dataclass

from safebasin.agents.dojo.sites.site import box, filled_up
from safebasin.agents.dojo.state import Element, State, shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One box and its button."""

    box: str
    """The box's label."""
    button: str
    done: str
    elsewhere: tuple[tuple[str, str], ...]
    """Elements that lead nowhere; the one whose key is ``clear`` empties the box."""

    def elements(self, state: State) -> list[Element]:
        """Return the box, the button, and others."""
        wanted = [box(state, "box", self.box), Element("button", self.button)]
        return filled_up(wanted, list(self.elsewhere), state.elements)

    def click(self, state: State, key: str) -> None:
        """Send the text, empty the box, or say that there is nothing."""
        draft = f"{state.page}/box"
        if key == "clear":
            state.drafts.pop(draft, None)
        elif key != "button":
            state.notice = f"Nothing in {key}."
        elif text := state.drafts.pop(draft, ""):
            state.record(text)
            state.notice = f"{self.done}: {shown(text)}"
        else:
            state.notice = "The box is empty."

    def type(self, state: State, key: str, text: str) -> None:
        """Replace what the box holds."""
        state.drafts[f"{state.page}/{key}"] = text


BOARD = Form(
    box="post box",
    button="publish",
    done="Published",
    elsewhere=(("threads", "threads"), ("clear", "clear")),
)
SEARCH = Form(
    box="query box",
    button="go",
    done="Searched",
    elsewhere=(("clear", "clear"), ("images", "images")),
)
CHAT = Form(
    box="message box",
    button="send",
    done="Sent",
    elsewhere=(("members", "members"), ("clear", "clear")),
)
