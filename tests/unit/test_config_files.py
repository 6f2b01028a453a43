"""Snakemake reads a study as Safebasin does, and any other workflow's config as ever."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from safebasin.config_files import is_ours

from ..workflow import ROOT, SMOKE, SNAKEMAKE

OURS = str(ROOT / "Snakefile")


@pytest.mark.parametrize(
    ("arguments", "ours"),
    [
        (["-s", OURS, "--cores", "1"], True),
        (["--snakefile", OURS], True),
        ([f"--snakefile={OURS}"], True),
        (["--cores", "1"], False),
        (["-s", "nowhere"], False),
        (["--snakefile"], False),
    ],
)
def test_it_is_known_whose_snakefile_is_meant(arguments, ours, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("Snakefile").write_text("rule all:\n    input: []\n")
    assert is_ours(arguments) == ours


def test_the_one_of_the_working_directory_is_meant_where_none_is_named(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert is_ours(["--cores", "1"])


def test_another_workflow_may_speak_of_safebasin(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("Snakefile").write_text("# reads what Safebasin made\nrule all:\n    input: []\n")
    assert not is_ours(["--cores", "1"])


def test_a_link_to_our_snakefile_is_ours(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("Snakefile").symlink_to(OURS)
    assert is_ours(["--cores", "1"])


def test_a_target_behind_the_config_files_is_told_from_a_file_that_is_missing():
    done = subprocess.run(
        [SNAKEMAKE, "--cores", "1", "-n", "--configfile", str(ROOT / SMOKE), "render_report"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "say first what is to be made" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    "form", [["--configfile", "{}"], ["--configfiles", "{}"], ["--configfile={}"]]
)
def test_layers_that_snakemake_would_leave_out_are_refused(form):
    layer = [each.format(ROOT / SMOKE) for each in form]
    done = subprocess.run(
        [SNAKEMAKE, "--cores", "1", "-n", "--configfile", str(ROOT / SMOKE), *layer],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "say it once, with all files behind it" in done.stderr.splitlines()[-1]


def test_another_workflow_s_config_is_read_by_snakemake(tmp_path):
    (tmp_path / "Snakefile").write_text("print('read', config)\nrule all:\n    input: []\n")
    (tmp_path / "config.yaml").write_text("1: a number as a key\nday: 2026-01-02\n")
    done = subprocess.run(
        [SNAKEMAKE, "--cores", "1", "--dry-run", "--configfile", "config.yaml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "read {1: 'a number as a key', 'day': datetime.date(2026, 1, 2)}" in done.stdout
