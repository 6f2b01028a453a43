"""Names of files inside archives and locks, and whether they stay inside their folder."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from safebasin.errors import DamagedInput
from safebasin.store.names import RESERVED, is_reserved

_DRIVE = re.compile(r"^[A-Za-z]:")

MemberType = Literal["file", "link", "device"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One entry of an archive that is no folder."""

    name: str
    """Relative path with ``/``."""
    size: int
    """Bytes once unpacked, as the archive's header claims."""
    type: MemberType


def reason_to_refuse(name: str) -> str | None:
    """Return why ``name`` could leave its folder, or None where it cannot."""
    if not name:
        return "is empty"
    if "".join(each for each in name if not "\ud800" <= each <= "\udfff") != name:
        return "holds bytes that are no text (UTF-8)"
    if "\0" in name or "\\" in name:
        return "holds a backslash or a zero byte"
    if not name.isprintable() and any("\ud800" <= sign <= "\udfff" for sign in name):
        return "is not UTF-8"
    if name.startswith("/") or _DRIVE.match(name):
        return "is an absolute path"
    if any(part in ("", ".", "..") for part in name.split("/")):
        return "holds an empty, '.' or '..' part"
    return None


def reason_to_reserve(name: str) -> str | None:
    """Return why the store cannot take a file of that name, or None where it can."""
    if not is_reserved(name):
        return None
    return (
        f"{name!r} is a name that the store keeps for a file of its own ({' and '.join(RESERVED)}):"
        " rename it at its source or put it into a folder there, or let `files` not name it"
    )


def check_names(names: Iterable[str], where: str) -> None:
    """Refuse names that leave their folder, occur twice, or are a file and a folder at once.

    Raises:
        DamagedInput: with the offending name, ``where`` it stands and why.
    """
    seen: set[str] = set()
    for name in names:
        reason = reason_to_refuse(name)
        if reason is not None:
            raise DamagedInput(f"{where}: the name {name!r} {reason}; nothing was written")
        if name in seen:
            raise DamagedInput(f"{where}: the name {name!r} occurs twice; nothing was written")
        seen.add(name)
    for name in seen:
        parts = name.split("/")
        for depth in range(1, len(parts)):
            folder = "/".join(parts[:depth])
            if folder in seen:
                raise DamagedInput(
                    f"{where}: {folder!r} is a file and also the folder of {name!r}; "
                    "nothing was written"
                )
