"""The form of an agent's reply: code in an execute tag, or a line that leaves."""

from __future__ import annotations

import ast
import re
from textwrap import dedent

_TAG = re.compile(r"<execute>(.*?)</execute>", re.DOTALL)
_FENCE = re.compile(r"\A\s*```[a-z]*\n(.*?)\n?```\s*\Z", re.DOTALL)
_EXIT = re.compile(r"\s*exit\((.*)\)\s*")


def exit_text(action: str) -> str | None:
    """Return what is said on leaving where ``action`` is exit and nothing more, else None."""
    match = _EXIT.fullmatch(action)
    if match is None or len(action) > 2000:
        return None
    try:
        said = ast.literal_eval(match[1].strip() or "''")
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    return said if isinstance(said, str) else None


def parse_reply(reply: str) -> str | None:
    """Return the code in the last complete tag, else a leaving line, else None.

    Code goes before leaving wherever both stand: what would be done counts. A tag that is opened
    again before it is closed begins at the last opening. The normal form has no common indent, no
    blanks at a line's end, no empty lines around it, and no fence of back-ticks.
    """
    for inside in reversed(_TAG.findall(reply.replace("\r\n", "\n"))):
        code = inside.rpartition("<execute>")[2]
        fenced = _FENCE.match(code)
        lines = dedent(fenced[1] if fenced else code).split("\n")
        code = "\n".join(line.rstrip() for line in lines).strip("\n")
        if "\n" not in code:
            code = code.strip()
        if code:
            said = exit_text(code)
            return code if said is None else f"exit({said!r})"
    for line in reply.splitlines():
        said = exit_text(line)
        if said is not None:
            return f"exit({said!r})"
    return None
