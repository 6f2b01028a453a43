"""Names of the files that the store itself puts beside an artifact's own."""

from __future__ import annotations

MANIFEST = "artifact.json"
RUN = "run.json"
RESERVED = (MANIFEST, RUN)


def is_reserved(name: str) -> bool:
    """Say whether a file of an artifact, named from its folder on, would be taken for the store's.

    A folder of that name counts too; a file further down does not.
    """
    return name.split("/", 1)[0] in RESERVED
