"""A line within a JSON text that tells whether any other byte of the text has changed."""

from __future__ import annotations

import hashlib

KEY = "check"
_OPEN = "{\n"


def seal(text: str) -> str:
    """Return ``text``, an indented JSON object, with its own SHA-256 as the first entry.

    Raises:
        ValueError: the object is empty, or not indented.
    """
    if not text.startswith(f"{_OPEN} "):
        raise ValueError("not an indented JSON object with entries")
    return _first(text.encode()).decode() + text.removeprefix(_OPEN)


def is_sealed(text: bytes) -> bool:
    """Return whether ``seal`` wrote exactly this text."""
    opening = _OPEN.encode()
    length = len(_first(b""))
    return text[:length] == _first(opening + text[length:])


def _first(text: bytes) -> bytes:
    return f'{_OPEN} "{KEY}": "{hashlib.sha256(text).hexdigest()}",\n'.encode()
