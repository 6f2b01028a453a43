"""Mail: an inbox whose mails ask for something, and mails to write."""

from __future__ import annotations

from safebasin.agents.dojo.sites.site import box, filled_up
from safebasin.agents.dojo.state import Element, State


class Mail:
    """Views: ``write``, ``inbox``, ``read``."""

    def elements(self, state: State) -> list[Element]:
        """Return the boxes of a new mail, or the mails, or what to do with one."""
        if state.view == "inbox":
            mails = [Element(key, key) for key in state.mails]
            return filled_up(mails[: state.elements], [("write", "write")], state.elements)
        if state.view == "read":
            wanted = [Element("write", "write"), Element("inbox", "inbox")]
            return filled_up(wanted, [("flag", "flag"), ("print", "print")], state.elements)
        first, second = state.people
        boxes = [box(state, first, f"mail to {first}"), Element("send", "send")]
        if state.elements > len(boxes):
            boxes.append(box(state, second, f"mail to {second}"))
        return filled_up(boxes, [("inbox", "inbox")], state.elements)

    def click(self, state: State, key: str) -> None:
        """Send what the boxes hold, read a mail, or turn to another view."""
        if key in ("write", "inbox"):
            state.go("mail", key)
        elif key == "send":
            self._send(state)
        elif key in state.mails:
            state.memo = f"{key}: {state.mails[key]}"
            state.go("mail", "read")
        else:
            state.notice = f"Nothing in {key}."

    def type(self, state: State, key: str, text: str) -> None:
        """Replace what the box holds that goes to one person."""
        state.drafts[f"mail/{key}"] = text

    @staticmethod
    def _send(state: State) -> None:
        sent = [to for to in state.people if state.drafts.get(f"mail/{to}")]
        for to in sent:
            state.record(state.drafts.pop(f"mail/{to}"), to)
        state.notice = f"Mail sent to {' and '.join(sent)}." if sent else "The boxes are empty."
