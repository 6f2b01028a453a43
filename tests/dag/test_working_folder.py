"""A study runs wherever its folders are, whatever they are called, and whatever lies in them."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ..workflow import ROOT, SMOKE, jobs_run, lay_out, snakemake

FIRST = ("write_demonstrations", "read_corpus")
ODD = (
    "a{b} c'd\"e%f#g{params}ü",
    "-dash {} }{ {a b} $HOME `x` ;&|<>*?[a]~!\\n",
)
STRAY = (
    "torch", "json", "random", "numpy", "pyarrow", "yaml", "snakemake", "pydantic", "safebasin",
    "transformers", "tokenize", "string", "contextlib", "argparse", "_signal",
)  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_store_study_and_working_folder_may_have_any_name(tmp_path, name):
    folder = lay_out(tmp_path / name)
    store = folder / f"store{name}"
    study = folder / "studies" / f"{name}.yaml"
    study.write_text(f"extends: {SMOKE.name}\n")
    snakemake(folder, "--dry-run", "--configfile", str(study), store=store)
    told = snakemake(folder, "--configfile", str(study), "--until", *FIRST, store=store)
    assert set(jobs_run(told)) == set(FIRST)
    assert {path.parent.parent.name for path in store.glob("*/*/artifact.json")} == {
        "corpus",
        "mixture",
    }


@pytest.mark.parametrize("name", ["{0}", "{a,x}"])
def test_a_working_folder_that_snakemake_cannot_use_is_refused_in_one_message(tmp_path, name):
    folder = lay_out(tmp_path / name)
    told = snakemake(folder, "--dry-run", "--configfile", str(SMOKE), check=False)
    assert "give the folder another name" in told
    assert "Traceback" not in told


def test_modules_that_lie_in_the_working_folder_are_none_of_ours(tmp_path):
    folder = lay_out(tmp_path)
    for name in STRAY:
        (folder / f"{name}.py").write_text(f"raise SystemExit('stray {name}')\n")
    told = snakemake(folder, "--configfile", str(SMOKE), "--until", *FIRST, store=folder / "store")
    assert set(jobs_run(told)) == set(FIRST)


@pytest.mark.parametrize("entry", ["", "{code}:", ":{code}"])
def test_an_empty_place_in_pythonpath_is_not_the_working_folder_of_a_command(tmp_path, entry):
    (tmp_path / "torch.py").write_text("raise SystemExit('stray torch')\n")
    (tmp_path / "yaml.py").write_text("raise SystemExit('stray yaml')\n")
    code = os.environ.get("PYTHONPATH", "")
    done = subprocess.run(
        [sys.executable, "-m", "safebasin", "check", "--config", str(ROOT / SMOKE)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": entry.format(code=code) or code},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
