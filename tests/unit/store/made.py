"""Small artifacts for tests: any kind, any files, made without a step."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from safebasin.store.artifact import MANIFEST, Artifact, hash_manifest, manifest_text
from safebasin.store.kinds import RULES, Rule
from safebasin.store.publish import publish
from safebasin.store.spec import Spec
from safebasin.store.store import Store

FILES = {"one.bin": b"some bytes that matter", "deep/two.bin": b"and some more of them"}


def put(
    store: Store,
    rule: str,
    inputs: Mapping[str, Artifact] | None = None,
    files: Mapping[str, bytes] = FILES,
    **params: int,
) -> Artifact:
    """Publish an artifact of ``rule`` as if its step had read ``inputs`` and left ``files``."""
    inputs = inputs or {}
    spec = spec_of(RULES[rule], {role: each.spec.digest for role, each in inputs.items()}, **params)
    scratch = store.scratch(spec.digest)
    for name, data in files.items():
        (scratch / name).parent.mkdir(parents=True, exist_ok=True)
        (scratch / name).write_bytes(data)
    told = {role: hash_manifest(each.folder) for role, each in inputs.items()}
    return publish(store, spec, ("**/*.bin",), {"seconds": 1}, told)


def spec_of(rule: Rule, inputs: Mapping[str, str], **params: int) -> Spec:
    """Return a spec whose code is the rule's, at its first revision; a source has none."""
    code = f"{rule.name}/1" if rule.name != "fetch_source" else None
    return Spec(kind=rule.kind, code=code, params=params, inputs=inputs)


def as_of_before(artifact: Artifact) -> Path:
    """Give the artifact the manifest that it would have had before inputs were recorded."""
    text = manifest_text(artifact.spec, artifact.files, form=1)
    (artifact.folder / MANIFEST).write_text(text, encoding="utf-8")
    return artifact.folder


def flip(path: Path, place: int = 0) -> None:
    """Flip a bit of the byte at ``place``; size and time of writing stay as they were."""
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(bytes(data))
