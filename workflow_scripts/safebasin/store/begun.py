"""Work that a killed step left is taken up only by a step with the same inputs.

A digest names its inputs by what they are made of. Their bytes may change meanwhile: one is made
again, on another kind of processor. Half an artifact of the old bytes must not be finished with the
new ones.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from safebasin.resume.durable import discard
from safebasin.resume.place import state_of
from safebasin.store.publish import write_atomically
from safebasin.store.store import Store


def begin(store: Store, digest: str, manifests: Mapping[str, str]) -> bool:
    """Note what the work is begun from; return whether an earlier try's work was thrown away.

    Args:
        store: where the work is done.
        digest: of what is made.
        manifests: role to the SHA-256 of the input's manifest.
    """
    path, now = _note(store, digest), json.dumps(dict(manifests), sort_keys=True)
    scratch = store.scratch(digest)
    left = [each for each in (scratch, state_of(scratch)) if each.exists()]
    stale = bool(left) and _read(path) != now
    for each in left if stale else ():
        discard(each)
    write_atomically(path, now)
    return stale


def end(store: Store, digest: str) -> None:
    """Forget what the work was begun from: it is published."""
    _note(store, digest).unlink(missing_ok=True)


def _read(path: Path) -> str:
    """Return the note; what has none was begun from nothing."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return "{}"


def _note(store: Store, digest: str) -> Path:
    return store.root / ".scratch" / f"{digest}.inputs"
