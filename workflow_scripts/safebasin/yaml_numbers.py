"""Which bare words of a YAML file are numbers, and which of those are one number to everybody."""

from __future__ import annotations

import math
import re
import sys

INTEGER = re.compile(r"^[-+]?(\d+(_\d+)*|0x[\da-fA-F]+|0o[0-7]+|0b[01]+)$", re.ASCII)
FLOAT = re.compile(
    r"^[-+]?((\d+(_\d+)*)(\.(\d+(_\d+)*)?)?|\.\d+(_\d+)*)([eE][-+]?\d+)?$"
    r"|^[-+]?\.(inf|Inf|INF)$|^\.(nan|NaN|NAN)$",
    re.ASCII,
)
_DIGITS = 19
"""Of the largest whole number that is counted with, 2^63."""
_BASES = {"0x": 16, "0o": 8, "0b": 2}


def to_integer(text: str) -> int:
    """Return a whole number, ``0x10`` among them."""
    bare = _bare(text)
    base = _BASES.get(bare[:2], 10)
    value = int(bare if base == 10 else bare[2:], base)
    return -value if text.startswith("-") else value


def to_float(text: str) -> float:
    """Return a number with a fraction or an exponent."""
    return float(text.replace("_", ""))


def unclear(text: str) -> str | None:
    """Return what to write in place of a number that is not one to everybody, or nothing.

    YAML 1.1 and 1.2 read a leading 0, ``0o`` and ``0b`` as two things; Python has limits.
    """
    bare, quoted = _bare(text), f'or "{text:.40}" in quotes for the text'
    base = _BASES.get(bare[:2])
    if len(bare) > _DIGITS and (base or bare.isdigit()):
        return f"{text:.20}… has {len(bare)} digits; a number has at most {_DIGITS}"
    if base in (2, 8):
        value = to_integer(text)
        return f"{text} is a number to some and text to others; write {value}, {quoted}"
    if bare.isdigit() and bare != "0" and bare.startswith("0"):
        value = to_integer(text)
        return (
            f"{text} is octal to some and not to others; write {value} (or what is meant), {quoted}"
        )
    if base == 16 or bare.isdigit():
        return None
    size = math.inf if bare.lstrip(".").isalpha() else float(bare)
    if not math.isfinite(size):
        return f"{text:.40} is beyond all numbers that count here ({quoted})"
    if size < sys.float_info.min and re.search("[1-9]", bare.split("e")[0]):
        return f"{text:.40} is smaller than any number that counts here; write 0 ({quoted})"
    return None


def _bare(text: str) -> str:
    return text.replace("_", "").lstrip("+-").lower()
