"""What a step may see of the environment: a fetch the network and the hub's token, a search that
asks a server that server's, no other step any secret.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from safebasin.run_step import OFFLINE, _set_environment
from safebasin.step_environment import HUB, SERVER, TOLD, prepare_jobs
from safebasin.store.kinds import RULES

SECRETS = (
    *HUB, SERVER, "ANTHROPIC_API_KEY", "AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "WANDB_API_KEY",
    "my_password", "SLURM_JWT", "GOOGLE_APPLICATION_CREDENTIALS", "DB_PASSWD", "APIKEY",
)  # fmt: skip
HARMLESS = (
    "TOKENIZERS_PARALLELISM", "PATH", "HOME", "KEYBOARD", "MONKEY", "OMP_NUM_THREADS", "LC_ALL",
    "SAFEBASIN_STORE", "CUDA_VISIBLE_DEVICES", "SLURM_JOB_ID", "HF_HOME",
)  # fmt: skip
ASKS = {"type": "openai_compatible", "base_url": "https://host/v1", "model": "m"}
SEEN = {
    "a local search": ("search_prefix", {"generator": {"type": "grammar"}}, set()),
    "a search by a server": ("search_prefix", {"generator": ASKS}, {SERVER}),
    "a search by another": (
        "search_prefix",
        {"generator": {**ASKS, "token_variable": "MY_LLM"}},
        {"MY_LLM"},
    ),
    "a server that needs none": (
        "search_prefix",
        {"generator": {**ASKS, "token_variable": ""}},
        set(),
    ),
    "a fetch": ("fetch_source", {"files": []}, set(HUB)),
}


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set every secret, and all that is none."""
    for name in (*SECRETS, "MY_LLM"):
        monkeypatch.setenv(name, "hidden")
    for name in HARMLESS:
        monkeypatch.setenv(name, os.environ.get(name, "shown"))
    for name in OFFLINE:
        monkeypatch.setenv(name, "0")
    monkeypatch.setenv("PYTHONSAFEPATH", "")
    monkeypatch.setenv("PYTHONPATH", os.environ.get("PYTHONPATH", "x"))
    monkeypatch.setenv(TOLD, "MY_LLM")


def seen() -> set[str]:
    return {name for name, value in os.environ.items() if value == "hidden"}


@pytest.mark.parametrize("step", RULES)
def test_only_a_fetch_may_reach_the_hub_and_sees_the_token(step):
    _set_environment(step, {})
    fetches = step == "fetch_source"
    assert seen() == (set(HUB) if fetches else set())
    assert all((os.environ[name] == "1") != fetches for name in OFFLINE)
    assert set(HARMLESS) <= set(os.environ)


@pytest.mark.parametrize("case", SEEN)
def test_a_step_sees_the_secret_that_it_needs_and_no_other(case):
    step, params, needed = SEEN[case]
    _set_environment(step, params)
    assert seen() == needed


def test_a_process_that_a_step_starts_sees_none_either():
    _set_environment("judge_responses", {})
    told = subprocess.run(
        [sys.executable, "-c", "import os; print('hidden' in os.environ.values())"],
        capture_output=True,
        text=True,
    )
    assert told.stdout == "False\n"


def test_jobs_are_told_where_a_study_has_its_tokens_and_look_in_no_working_directory(
    monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONSAFEPATH")
    monkeypatch.delenv(TOLD)
    monkeypatch.setenv("PYTHONPATH", f":code:{tmp_path}")
    prepare_jobs(["MY_LLM", None, "", "OTHER"])
    assert os.environ[TOLD] == "MY_LLM,OTHER"
    assert os.environ["PYTHONSAFEPATH"] == "1"
    assert os.environ["PYTHONPATH"] == f"{Path('code').absolute()}:{tmp_path}"
