"""``safebasin lock`` on a study with sources on a hub."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from safebasin.cli import main
from safebasin.sources.lock import SourceLock

from ...workflow import ROOT
from .hub_lookalike import HubLookalike

FILES = {"a.json": b"{}", "b.safetensors": bytes(3000)}
COMMIT, NEWER = "a" * 40, "b" * 40
KEY = "hub:lab/model@main"


@pytest.fixture
def study(hub: HubLookalike, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A study with one source; another that names more of its files; the hub has both."""
    monkeypatch.chdir(tmp_path)
    hub.add("lab/model", FILES, commit=COMMIT)
    for name, files in (("few", ["*.json"]), ("many", ["*.json", "*.safetensors"])):
        source = {"hub": {"repo": "lab/model", "revision": "unlocked"}, "files": files}
        content = {"extends": str(ROOT / "studies/smoke.yaml"), "sources": {"model": source}}
        Path(f"{name}.yaml").write_text(yaml.safe_dump(content))
    return tmp_path


def lock(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["lock", *arguments])
    return int(ended.value.code or 0)


def entries() -> dict[str, tuple[str | None, set[str]]]:
    lock = SourceLock.load(Path("sources.lock.yaml"))
    return {key: (entry.revision, set(entry.files)) for key, entry in lock.entries.items()}


def test_a_dry_run_says_commit_and_sizes_and_writes_and_downloads_nothing(study, hub, capsys):
    assert lock("--config", "many.yaml", "--dry-run") == 0

    told = capsys.readouterr().out
    assert f"{KEY}: commit {COMMIT}, 2 of 2 files, 2.9 KiB to fetch" in told
    assert "locking would download 2 bytes" in told
    assert not Path("sources.lock.yaml").exists()
    assert all(each.path.startswith("/api/") for each in hub.requests)


def test_a_locked_commit_stays_when_the_branch_moves_and_another_study_adds_files(study, hub):
    lock("--config", "few.yaml")
    hub.add("lab/model", {**FILES, "a.json": b"[]"}, commit=NEWER)

    assert lock("--config", "many.yaml") == 0

    assert entries() == {KEY: (COMMIT, {"a.json", "b.safetensors"})}


def test_again_looks_the_branch_up_anew(study, hub):
    lock("--config", "many.yaml")
    hub.add("lab/model", FILES, commit=NEWER)

    assert lock("--config", "many.yaml", "--again") == 0

    assert entries() == {KEY: (NEWER, {"a.json", "b.safetensors"})}


def test_what_is_locked_is_not_asked_for(study, hub, capsys):
    lock("--config", "many.yaml")
    hub.requests.clear()

    assert lock("--config", "many.yaml") == 0

    assert not hub.requests
    assert "locked already" in capsys.readouterr().out


def test_one_source_that_fails_keeps_no_other_back_and_all_problems_are_told(study, hub, capsys):
    hub.add("datasets/lab/gated", {"x.csv": b"1"}, token="hf_right")
    more = {
        name: {"hub": {"repo": f"lab/{name}", "revision": "unlocked", "kind": "dataset"}}
        | {"files": ["*.csv"]}
        for name in ("absent", "gated")
    }
    Path("more.yaml").write_text(yaml.safe_dump({"sources": more}))

    assert lock("--config", "few.yaml", "more.yaml") == 4

    told = capsys.readouterr().err
    assert "datasets/lab/absent: revision 'main'" in told
    assert "datasets/lab/gated: 'x.csv'" in told
    assert set(entries()) == {KEY}


def test_a_dry_run_names_a_pattern_that_names_nothing(study, hub, capsys):
    Path("none.yaml").write_text(yaml.safe_dump({"sources": {"model": {"files": ["*.txt"]}}}))

    assert lock("--config", "few.yaml", "none.yaml", "--dry-run") == 1

    assert "'*.txt' names none of its 2 files" in capsys.readouterr().err


def test_optional_files_are_taken_where_there_are_some(study: Path, hub: HubLookalike) -> None:
    content = yaml.safe_load(Path("few.yaml").read_text())
    content["sources"]["model"]["optional"] = ["*.jinja", "b.*"]
    Path("few.yaml").write_text(yaml.safe_dump(content))

    assert lock("--config", "few.yaml", "--only", "model") == 0
    assert entries()[KEY] == (COMMIT, {"a.json", "b.safetensors"})
    found = SourceLock.load(Path("sources.lock.yaml")).select(KEY, ["*.json"], ["*.jinja", "b.*"])
    assert [file["name"] for file in found] == ["a.json", "b.safetensors"]


def test_what_became_optional_is_looked_for_in_a_source_that_is_locked(study: Path) -> None:
    assert lock("--config", "few.yaml", "--only", "model") == 0
    content = yaml.safe_load(Path("few.yaml").read_text())
    content["sources"]["model"]["optional"] = ["*.safetensors"]
    Path("few.yaml").write_text(yaml.safe_dump(content))

    assert lock("--config", "few.yaml", "--only", "model") == 0
    assert entries()[KEY] == (COMMIT, {"a.json", "b.safetensors"})
