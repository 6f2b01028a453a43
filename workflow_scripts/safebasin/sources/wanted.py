"""One file as a spec names it."""

from __future__ import annotations

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class WantedFile:
    """A name, and the only bytes that it may stand for."""

    name: str
    sha256: str
    size: int
