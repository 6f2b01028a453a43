"""The action language: click(n), type(n, "text"), open("site"), back(), exit("message")."""

from __future__ import annotations

import re
from dataclasses import dataclass

STRING = r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\''
CALL = re.compile(
    rf"(?<![\w.])(?:"
    rf"(?P<click>click)\s*\(\s*(?P<clicked>[0-9]{{1,4}})\s*\)"
    rf"|(?P<type>type)\s*\(\s*(?P<box>[0-9]{{1,4}})\s*,\s*(?P<text>{STRING})\s*\)"
    rf"|(?P<open>open)\s*\(\s*(?P<site>{STRING})\s*\)"
    rf"|(?P<back>back)\s*\(\s*\)"
    rf"|(?P<exit>exit)\s*\(\s*(?P<message>{STRING})?\s*\)"
    rf")"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One action, taken apart."""

    verb: str
    """click, type, open, back or exit."""
    number: int = 0
    """The element, from 1, where the verb has one."""
    text: str = ""
    """What is typed, opened or said."""

    def __str__(self) -> str:
        """Return the normal form: one space after a comma, double quotes."""
        arguments = {
            "click": str(self.number),
            "type": f"{self.number}, {_quoted(self.text)}",
            "back": "",
        }
        return f"{self.verb}({arguments.get(self.verb, _quoted(self.text))})"


def read_action(reply: str) -> Action | None:
    """Return the last well-formed action outside of comment lines, or None.

    A call inside the quotes of another one is text. ``exit()`` says nothing: its message is empty.
    """
    lines = (line for line in reply.splitlines() if not line.lstrip().startswith("#"))
    calls = list(CALL.finditer("\n".join(lines)))
    if not calls:
        return None
    last = calls[-1]
    verb = next(name for name in ("click", "type", "open", "back", "exit") if last[name])
    text = last["text"] or last["site"] or last["message"] or ""
    return Action(
        verb=verb,
        number=int(last["clicked"] or last["box"] or 0),
        text=re.sub(r"\\(.)", _unescaped, text[1:-1]),
    )


def _unescaped(escape: re.Match[str]) -> str:
    return " " if escape[1] in "nrt" else escape[1]


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
