"""What a step reads: each input's bytes are those of its manifest, before and after."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from safebasin.errors import DamagedInput, RequestError
from safebasin.store.artifact import Artifact, DamagedManifest, FileRecord, cure
from safebasin.store.examine import Fault, examine
from safebasin.store.hash_memory import HashMemory, identity
from safebasin.store.made_from import made_from_other_bytes
from safebasin.store.spec import Spec
from safebasin.store.store import Store

ALL = "`safebasin verify` names all that is damaged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """The inputs of one artifact, checked, by role."""

    reader: str
    artifacts: Mapping[str, Artifact]
    seen: Mapping[Path, str]
    """Each file, and what told its content from any other when it was checked."""

    @property
    def folders(self) -> dict[str, Path]:
        """Role to the folder of the artifact."""
        return {role: artifact.folder for role, artifact in self.artifacts.items()}

    @property
    def manifests(self) -> dict[str, str]:
        """Role to the SHA-256 of the input's ``artifact.json``."""
        return {role: artifact.manifest for role, artifact in self.artifacts.items()}

    def confirm(self, store: Store, memory: HashMemory) -> None:
        """Check what changed since: long runs read files late, and meanwhile one may be replaced.

        Raises:
            DamagedInput: an input is no longer what it was when the step began.
        """
        for role, artifact in self.artifacts.items():
            now = store.get(artifact.spec.kind, artifact.folder.name)
            if now is None or now.manifest != artifact.manifest:
                raise DamagedInput(
                    f"{_named(self.reader, role, artifact)} was replaced while the step read it; "
                    "start again"
                )
            if any(_identity(path) != self.seen[path] for path in _paths(artifact)):
                check_bytes(artifact, memory.hash_file, _named(self.reader, role, artifact))


def check_inputs(
    store: Store, spec: Spec, kind_of: Callable[[str], str], memory: HashMemory, reader: str
) -> Inputs:
    """Return the inputs of ``spec``; every byte of each is that of its manifest.

    Args:
        store: where they are.
        spec: whose inputs.
        kind_of: gives the kind of the artifact that plays a role.
        memory: knows files that were hashed before.
        reader: who wants to read them, for messages.

    Raises:
        RequestError: one is not in the store.
        DamagedInput: one is not what was written, or was made from other bytes than are there now.
    """
    artifacts: dict[str, Artifact] = {}
    seen: dict[Path, str] = {}
    for role, digest in spec.inputs.items():
        kind = kind_of(role)
        try:
            artifact = store.get(kind, digest)
        except DamagedManifest as problem:
            raise DamagedInput(f"{reader}: its input {role} ({kind} {digest}): {problem}") from None
        if artifact is None:
            raise RequestError(
                f"{reader}: its input {role} ({kind} {digest}) is not in {store.root}"
            )
        name = _named(reader, role, artifact)
        seen |= {path: _identity(path) for path in _paths(artifact)}
        check_bytes(artifact, memory.hash_file, name)
        if others := made_from_other_bytes(store, artifact):
            raise DamagedInput(f"{name} {others[0]}; {cure(digest)}")
        artifacts[role] = artifact
    return Inputs(reader=reader, artifacts=artifacts, seen=seen)


def check_bytes(artifact: Artifact, hash_of: Callable[[Path], FileRecord], name: str) -> None:
    """Refuse an artifact of which a byte, a file or a name is not as it was written.

    Raises:
        DamagedInput: with the first file that is wrong, and how many others are.
    """
    faults = list(examine(artifact, hash_of))
    if faults:
        raise DamagedInput(
            f"{name} is damaged: {_told(faults)}; {ALL}, {cure(artifact.folder.name)}"
        )


def _named(reader: str, role: str, artifact: Artifact) -> str:
    kind, digest = artifact.spec.kind, artifact.folder.name
    return f"{reader}: its input {role} ({kind} {digest})"


def _told(faults: list[Fault]) -> str:
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return f"{faults[0].file}: {faults[0].problem}{more}"


def _paths(artifact: Artifact) -> list[Path]:
    return [artifact.folder / name for name in artifact.files]


def _identity(path: Path) -> str:
    """Return what tells the content from any other; what cannot be opened is named later."""
    try:
        return identity(path)
    except OSError:
        return ""
