from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from safebasin.store.artifact import manifest_text
from safebasin.store.lineage import lineage
from safebasin.store.spec import Spec


def lay(root: Path, kind: str, rule: str | None, inputs: Mapping[str, str] | None = None) -> Path:
    """Write the manifest of an artifact; return its folder."""
    spec = Spec(kind=kind, code=rule and f"{rule}/1", params={}, inputs=inputs or {})
    folder = root / kind / spec.digest
    folder.mkdir(parents=True)
    (folder / "artifact.json").write_text(manifest_text(spec, {}))
    return folder


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, Path]:
    """A line of artifacts, each made from the one before; the split comes in twice."""
    source = lay(tmp_path, "source", None)
    corpus = lay(tmp_path, "corpus", "read_corpus:csv", {"source": source.name})
    split = lay(tmp_path, "split", "split_corpus", {"corpus.words": corpus.name})
    checkpoint = lay(tmp_path, "checkpoint", "convert_checkpoint", {"source": source.name})
    responses = lay(
        tmp_path,
        "responses",
        "generate_responses",
        {"checkpoint": checkpoint.name, "prompts": split.name},
    )
    return {folder.parent.name: folder for folder in (source, corpus, split, checkpoint, responses)}


def kinds(*folders: Path) -> list[str]:
    return sorted(artifact.spec.kind for artifact in lineage(folders))


def test_all_that_an_artifact_came_from_is_found_once(folders):
    assert kinds(folders["responses"]) == sorted(folders)
    assert kinds(folders["responses"], folders["split"]) == sorted(folders)
    assert kinds(folders["corpus"]) == ["corpus", "source"]


def test_what_is_gone_or_broken_ends_its_line_alone(folders):
    shutil.rmtree(folders["split"])
    assert kinds(folders["responses"]) == ["checkpoint", "responses", "source"]
    (folders["checkpoint"] / "artifact.json").write_text("{}")
    assert kinds(folders["responses"]) == ["responses"]


@pytest.mark.parametrize(
    ("rule", "role"), [("of_another_version", "source"), ("convert_checkpoint", "another")]
)
def test_a_rule_or_role_of_another_version_ends_its_line(tmp_path, rule, role):
    source = lay(tmp_path, "source", None)
    assert kinds(lay(tmp_path, "checkpoint", rule, {role: source.name})) == ["checkpoint"]
