"""A study whose corpus lies on a gated hub: planned, locked, fetched; the token is left nowhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..unit.sources.hub_lookalike import HubLookalike
from ..workflow import ROOT, lay_out

TOKEN = "hf_nobodyMustSeeThis"
COMMIT = "d" * 40
ROWS = b"".join(b'{"prompt": "word %d", "label": "tool"}\n' % number for number in range(80))
STUDY = """
extends: studies/smoke.yaml
study: gated
sources:
  words: {hub: {repo: lab/words, revision: unlocked, kind: dataset}, files: ["*.json*"]}
corpora:
  words: {source: words, reader: null}
"""
FILES = {"rows.jsonl": ROWS, "about.json": b"{}"}
READER = """
corpora:
  words:
    reader: {type: jsonl, columns: {prompt: prompt, label: label, response: label}}
"""


@pytest.fixture
def gated() -> Iterator[HubLookalike]:
    hub = HubLookalike()
    hub.add("datasets/lab/words", FILES, commit=COMMIT, token=TOKEN)
    yield hub
    hub.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lay_out(tmp_path / "work")
    (tmp_path / "work" / "gated.yaml").write_text(STUDY)
    (tmp_path / "work" / "reader.yaml").write_text(READER)
    return tmp_path / "work"


def run(folder: Path, hub: HubLookalike, *command: str, token: str = "") -> tuple[int, str]:
    """Run a program of the environment in ``folder``; return its exit code and both streams."""
    home = {"HF_HOME": str(folder.parent / "hf"), "HF_ENDPOINT": hub.address, "HF_HUB_OFFLINE": ""}
    environment = {**os.environ, **home, "HF_TOKEN": token, "no_proxy": "127.0.0.1"}
    done = subprocess.run(
        [str(Path(sys.executable).with_name(command[0])), *command[1:]]
        if command[0] == "snakemake"
        else [sys.executable, "-m", *command],
        cwd=folder,
        env={**environment, "PYTHONPATH": str(ROOT / "workflow_scripts")},
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout + done.stderr


def test_a_gated_study_from_planning_to_the_fetch(gated, folder):
    layers = ("gated.yaml", "reader.yaml")
    study = ("--configfile", *layers)
    config = ("--config", *layers)

    code, told = run(folder, gated, "snakemake", "-n", *study)
    assert code == 0, told
    assert "not locked yet, so this study only plans" in told
    assert "source/words" in told

    code, told = run(folder, gated, "snakemake", "--cores", "1", *study)
    assert code != 0
    assert "`safebasin lock --config" in told
    assert not (folder / "store").exists()

    code, told = run(folder, gated, "safebasin", "lock", *config)
    assert code == 4
    assert "datasets/lab/words" in told
    assert "gated" in told

    code, told = run(folder, gated, "safebasin", "preflight", *config)
    assert (code, "lock: source/words" in told) == (1, True), told

    before = (folder / "sources.lock.yaml").read_bytes()
    code, told = run(folder, gated, "safebasin", "lock", "--dry-run", *config, token=TOKEN)
    assert (code, f"commit {COMMIT}, 2 of 2 files" in told) == (0, True), told
    assert (folder / "sources.lock.yaml").read_bytes() == before

    code, told = run(folder, gated, "safebasin", "lock", *config, token=TOKEN)
    assert code == 0, told
    assert COMMIT in (folder / "sources.lock.yaml").read_text()

    code, told = run(folder, gated, "safebasin", "preflight", "--json", *config)
    (finding,) = json.loads(told)
    assert (code, finding["check"]) == (1, "access")
    assert "gated" in finding["what"]
    assert "HF_TOKEN" in finding["cure"]
    code, told = run(folder, gated, "safebasin", "preflight", *config, token=TOKEN)
    assert (code, "nothing stands in the way" in told) == (0, True), told
    assert not (folder / "store").exists()

    gated.add("datasets/lab/words", {"rows.jsonl": b"changed"}, commit="e" * 40)
    fetch = ("snakemake", "--cores", "1", "--until", "fetch_source", *study)
    code, told = run(folder, gated, *fetch)
    assert code != 0
    log = "".join(path.read_text() for path in (folder / "logs").rglob("*.log"))
    assert "accept its conditions" in log
    code, told = run(folder, gated, *fetch, token=TOKEN)
    assert code == 0, told
    (rows,) = (folder / "store" / "source").glob("*/rows.jsonl")
    assert rows.read_bytes() == ROWS

    holding = [
        path for path in folder.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()
    ]
    assert holding == []
    assert TOKEN not in told
