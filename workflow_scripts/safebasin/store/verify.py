"""Re-hashing a store: every damaged file is found and named, with its cure."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from string import hexdigits

from safebasin.errors import RequestError
from safebasin.progress import SILENT, Progress
from safebasin.store.artifact import (
    MANIFEST,
    RUN,
    Artifact,
    DamagedManifest,
    cure,
    hash_file,
    manifest_text,
    read_artifact,
)
from safebasin.store.canonical import DIGEST_LENGTH
from safebasin.store.examine import Fault, examine, examine_run, shown
from safebasin.store.kinds import KINDS
from safebasin.store.made_from import made_from_other_bytes
from safebasin.store.redo import is_asked
from safebasin.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """One thing that is wrong, where, and what helps."""

    kind: str
    digest: str
    file: str
    problem: str
    cure: str

    def __str__(self) -> str:
        """Return the damage as one line."""
        return f"{self.kind}/{self.digest}/{self.file}: {self.problem}; {self.cure}"


def homes(store: Store, only: Collection[str] | None = None) -> list[tuple[str, Path]]:
    """Return kind and folder of all that lies where artifacts are, or of these digests alone.

    Raises:
        RequestError: there is no store.
    """
    root = store.root
    if not root.is_dir():
        raise RequestError(f"there is no store at {root}")
    kinds = [kind for kind in KINDS if (root / kind).is_dir()]
    if not kinds and not (root / ".locks").is_dir():
        raise RequestError(f"{root} is no store: no folder in it is named as a kind of artifact is")
    try:
        found = [(kind, home) for kind in kinds for home in sorted((root / kind).iterdir())]
    except OSError as problem:
        raise RequestError(f"{problem.filename} cannot be read: {problem.strerror}") from problem
    return [(kind, home) for kind, home in found if only is None or home.name in only]


def verify(
    store: Store,
    progress: Progress = SILENT,
    *,
    downstream: bool = False,
    only: Collection[str] | None = None,
) -> Iterator[Damage]:
    """Hash every file of every artifact and yield what is wrong.

    Sizes and times are not trusted: each byte is read.

    Args:
        store: which.
        progress: is told how far it is.
        downstream: whether to name artifacts, too, that were made from other bytes of their inputs
            than are there now.
        only: the digests that are looked at; None for all.

    Raises:
        RequestError: there is no store.
    """
    for kind, home in progress.over(homes(store, only), "artifacts verified"):
        helps = cure(home.name)
        if is_asked(store, home.name):
            helps = "it was asked for (`safebasin redo`): the next run makes it again"
        for fault in _faults(store, kind, home, downstream):
            yield Damage(
                kind=kind,
                digest=shown(home.name),
                file=fault.file,
                problem=fault.problem,
                cure=_cure_of(home, fault) or helps,
            )


def _faults(store: Store, kind: str, home: Path, downstream: bool) -> Iterator[Fault]:
    """Yield what is wrong with one artifact; of files, only if its manifest can be believed."""
    try:
        artifact = read_artifact(home)
    except (FileNotFoundError, NotADirectoryError):
        missing = "there is no manifest" if _is_named(home) else "this is no artifact"
        yield Fault(file=MANIFEST if _is_named(home) else "", problem=missing)
        return
    except DamagedManifest as damage:
        yield Fault(file=MANIFEST, problem=damage.problem)
        return
    if artifact.spec.kind != kind:
        yield Fault(file=MANIFEST, problem=f"its spec is of kind {artifact.spec.kind}")
        return
    if not _is_as_written(artifact):
        yield Fault(file=MANIFEST, problem="it is not what was written")
        return
    yield from examine(artifact, hash_file)
    yield from examine_run(artifact)
    for other in made_from_other_bytes(store, artifact) if downstream else ():
        yield Fault(file=MANIFEST, problem=f"the artifact {other}")


def _is_as_written(artifact: Artifact) -> bool:
    text = manifest_text(artifact.spec, artifact.files, artifact.inputs, artifact.format)
    return (artifact.folder / MANIFEST).read_bytes() == text.encode()


def _is_named(home: Path) -> bool:
    """Return whether ``home`` has the name of an artifact."""
    return len(home.name) == DIGEST_LENGTH and set(home.name) <= set(hexdigits.lower())


def _cure_of(home: Path, fault: Fault) -> str | None:
    """Return what helps where nothing needs to be made again."""
    if not _is_named(home):
        return f"remove {shown(str(home))}"
    if fault.file == RUN:
        return f"no result depends on it: remove {home / RUN}"
    return None
