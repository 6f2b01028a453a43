"""Whether a published artifact stands, or is to be made again."""

from __future__ import annotations

from collections.abc import Callable

from safebasin.errors import DamagedInput
from safebasin.store.artifact import Artifact, cure
from safebasin.store.made_from import made_from_other_bytes, unasked
from safebasin.store.redo import is_asked
from safebasin.store.spec import Spec
from safebasin.store.store import Store


def standing(store: Store, spec: Spec, note: Callable[[str], None]) -> Artifact | None:
    """Return the artifact if it is there and stands, or None if it is to be made.

    Args:
        store: where it is.
        spec: what it is.
        note: is told why something that is there is made again.

    Raises:
        DamagedInput: its manifest is not what was written, or it was made from other bytes than its
            inputs have now, and nobody asked for those.
    """
    name = f"{spec.kind} {spec.digest}"
    if is_asked(store, spec.digest):
        note(f"{name} is made again: that was asked for")
        return None
    found = store.find(spec)
    others = made_from_other_bytes(store, found) if found else []
    if not others:
        return found
    if (other := unasked(others)) is not None:
        raise DamagedInput(f"{name} {other}; {cure(spec.digest)} from these")
    note(f"{name} {others[0]}; that input was made again, and this follows")
    return None
