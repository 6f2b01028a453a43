"""Whether an artifact was made from the bytes that its inputs have now."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from safebasin.errors import DamagedInput
from safebasin.store.artifact import Artifact, read_artifact
from safebasin.store.lineage import inputs_of
from safebasin.store.redo import is_asked, was_redone
from safebasin.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherBytes:
    """One input that is no longer what an artifact was made from."""

    role: str
    kind: str
    digest: str
    was: str | None
    """SHA-256 of the input's manifest then; None where the artifact does not tell."""
    now: str
    follows: bool
    """Whether the input is or was made again because that was asked: what was made from it may
    follow."""

    def __str__(self) -> str:
        """Return what is said of the artifact."""
        before = f"had SHA-256 {self.was}" if self.was else "was not recorded then"
        return (
            f"was made from other bytes of its {self.role} ({self.kind} {self.digest}) than are "
            f"there now: the input's manifest {before}, now it has SHA-256 {self.now}"
        )


def manifest_of(folder: Path) -> str | None:
    """Return the SHA-256 of the artifact's manifest, or None where none can be believed."""
    try:
        return read_artifact(folder).manifest
    except (OSError, DamagedInput):
        return None


def made_from_other_bytes(
    store: Store, artifact: Artifact, manifest_of: Callable[[Path], str | None] = manifest_of
) -> list[OtherBytes]:
    """Return the inputs that have other bytes than those that ``artifact`` was made from.

    An input that is no longer in the store, or whose own manifest is damaged, cannot be compared.
    Neither can one that the manifest does not tell, as those of before this was recorded; yet if it
    was made again on request, and came out otherwise, what was made from it before is of other
    bytes.

    Args:
        store: where both are.
        artifact: what was made.
        manifest_of: gives the SHA-256 of the manifest in a folder.
    """
    return list(_compare(store, artifact, manifest_of))


def unasked(others: Iterable[OtherBytes]) -> OtherBytes | None:
    """Return the first that changed without `safebasin redo`, so that nothing may follow it."""
    return next((each for each in others if not each.follows), None)


def _compare(
    store: Store, artifact: Artifact, manifest_of: Callable[[Path], str | None]
) -> Iterable[OtherBytes]:
    for role, folder in inputs_of(artifact).items():
        was, now = artifact.inputs.get(role), manifest_of(folder)
        if now is None or was == now:
            continue
        # In this order: who answers a request notes what was made, and then forgets the request.
        asked = is_asked(store, folder.name)
        redone = was_redone(store, folder.name, now)
        follows = redone or (was is not None and asked)
        if was is not None or redone:
            yield OtherBytes(
                role=role,
                kind=folder.parent.name,
                digest=folder.name,
                was=was,
                now=now,
                follows=follows,
            )
