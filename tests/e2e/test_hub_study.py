"""A study whose model and corpus lie on a gated hub: from planning to what is made of what was
fetched; the token is left nowhere.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from safebasin.store.artifact import MANIFEST
from safebasin.workflow import open_workflow

from ..unit.sources.hub_lookalike import HubLookalike
from ..workflow import ROOT, SMOKE, TOKEN, lay_out

COMMIT = "d" * 40
ROWS = b"".join(b'{"prompt": "word %d", "label": "tool"}\n' % number for number in range(80))
STUDY = """
extends: studies/smoke.yaml
study: gated
sources:
  words: {hub: {repo: lab/words, revision: unlocked, kind: dataset}, files: ["*.json*"]}
  base: {hub: {repo: lab/base, revision: unlocked}, files: ["*"]}
checkpoints:
  tiny: {tiny: null, source: base, format: safetensors}
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
def gated(inside: Path) -> Iterator[HubLookalike]:
    hub = HubLookalike()
    hub.add("datasets/lab/words", FILES, commit=COMMIT, token=TOKEN)
    hub.add("lab/base", checkpoint_of(inside), commit="b" * 40, token=TOKEN)
    yield hub
    hub.close()


def checkpoint_of(folder: Path) -> dict[str, bytes]:
    """Return the files of the smoke study's model, as a repository would hold them."""
    made = open_workflow([SMOKE], store=folder / "store")
    node = made.graph.by_name("checkpoint/tiny")
    home = made.store.home(node.kind, node.digest)
    ours = {MANIFEST, "run.json"}
    return {path.name: path.read_bytes() for path in home.iterdir() if path.name not in ours}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lay_out(tmp_path / "work")
    (tmp_path / "work" / "gated.yaml").write_text(STUDY)
    (tmp_path / "work" / "reader.yaml").write_text(READER)
    return tmp_path / "work"


def run(folder: Path, hub: HubLookalike, *command: str, token: str = "") -> tuple[int, str]:
    """Run a program of the environment in ``folder``; return its exit code and both streams.

    What it says is kept beside the folder, where the token is looked for too.
    """
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
    told = done.stdout + done.stderr
    with (folder.parent / "told").open("a") as everything:
        everything.write(told)
    return done.returncode, told


def spellings(token: str) -> list[bytes]:
    """Return the token as it is, and as base64 text shows it, wherever in the text it stands."""
    shown = (base64.b64encode(b"x" * lead + token.encode()) for lead in range(3))
    return [token.encode(), *(each[4:-4] for each in shown)]


def holding(folder: Path) -> list[Path]:
    """Return the files below ``folder`` in which the token stands."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path for path in files if any(each in path.read_bytes() for each in spellings(TOKEN))]


def test_a_gated_study_from_planning_to_what_is_made_of_its_sources(gated, folder):
    layers = ("gated.yaml", "reader.yaml")
    study = ("--configfile", *layers)
    config = ("--configfile", *layers)

    code, told = run(folder, gated, "snakemake", "-n", *study)
    assert code == 0, told
    assert "not locked yet, so this study only plans" in told
    assert "source/words" in told

    code, told = run(folder, gated, "snakemake", "--cores", "1", *study)
    assert code != 0
    assert "`safebasin lock --configfile" in told
    assert not (folder / "store").exists()

    code, told = run(folder, gated, "safebasin", "lock", *config)
    assert code == 4
    assert "datasets/lab/words" in told
    assert "gated" in told

    code, told = run(folder, gated, "safebasin", "preflight", *config)
    assert code == 1
    assert "lock: source/words" in told
    assert "lock: source/base" in told

    before = (folder / "sources.lock.yaml").read_bytes()
    code, told = run(folder, gated, "safebasin", "lock", "--dry-run", *config, token=TOKEN)
    assert (code, f"commit {COMMIT}, 2 of 2 files" in told) == (0, True), told
    assert (folder / "sources.lock.yaml").read_bytes() == before

    code, told = run(folder, gated, "safebasin", "lock", *config, token=TOKEN)
    assert code == 0, told
    assert COMMIT in (folder / "sources.lock.yaml").read_text()

    code, told = run(folder, gated, "safebasin", "preflight", "--json", *config)
    findings = json.loads(told)
    assert (code, len(findings)) == (1, 2), told
    for finding in findings:
        assert finding["check"] == "access"
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

    make = ("snakemake", "--cores", "1", "--until", "read_corpus", "convert_checkpoint")
    code, told = run(folder, gated, *make, *study, token=TOKEN)
    assert code == 0, told
    made = {path.parts[-3] for path in (folder / "store").glob("*/*/artifact.json")}
    assert made == {"source", "corpus", "checkpoint"}
    recorded = [path for path in (folder / ".snakemake" / "metadata").rglob("*") if path.is_file()]
    assert len(recorded) == len(list((folder / "receipts").rglob("*.json"))) == 5

    assert holding(folder.parent) == []


def test_a_whole_study_leaves_the_token_of_its_user_nowhere(smoke_folder):
    for place in ("results/smoke/report.html", "store", "logs", ".snakemake/log", "receipts"):
        assert (smoke_folder / place).exists()

    assert holding(smoke_folder) == []


@pytest.mark.parametrize("before", ["", "x", "xx", "xxx"])
def test_a_token_in_a_file_would_be_found(tmp_path, before):
    said = f"{before}{TOKEN} and more"
    for name, text in (("plain", said.encode()), ("coded", base64.b64encode(said.encode()))):
        (tmp_path / name).write_bytes(text)
    assert len(holding(tmp_path)) == 2
