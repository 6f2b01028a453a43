"""Everything that an artifact was made from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from safebasin.errors import DamagedInput
from safebasin.store.artifact import Artifact, read_artifact
from safebasin.store.kinds import RULES, rule_of_code


def lineage(folders: Iterable[Path]) -> Iterator[Artifact]:
    """Yield the artifacts in ``folders`` and all that they came from, each once.

    An artifact that is no longer in the store ends its line, for its manifest alone names what it
    was made from; so does one of a rule that this version does not have.

    Args:
        folders: folders of artifacts in one store, ``<root>/<kind>/<digest>``.
    """
    waiting, seen = list(folders), set[Path]()
    while waiting:
        folder = waiting.pop()
        if folder in seen:
            continue
        seen.add(folder)
        try:
            artifact = read_artifact(folder)
        except (FileNotFoundError, NotADirectoryError, DamagedInput):
            continue
        yield artifact
        waiting.extend(inputs_of(artifact).values())


def inputs_of(artifact: Artifact) -> dict[str, Path]:
    """Return role to folder of what it was made from, as far as this version knows the rule."""
    return dict(_inputs(artifact))


def _inputs(artifact: Artifact) -> Iterator[tuple[str, Path]]:
    root = artifact.folder.parents[1]
    rule = RULES.get(rule_of_code(artifact.spec.code))
    for role, digest in artifact.spec.inputs.items():
        try:
            kind = rule.kind_of(role) if rule else None
        except KeyError:
            continue
        if kind is not None:
            yield role, root / kind / digest
