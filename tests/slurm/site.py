"""What the tests ask of the shipped profile, and what a site writes into it."""

from __future__ import annotations

import os
from pathlib import Path

from safebasin.workflow import open_workflow

from ..workflow import ROOT, SMOKE

SHORT = """\
grid:
  - {pairs: [tiny], tasks: [words], samples: [32], harmful_fractions: [0.25], methods: [sft], seeds: [0]}
choice: null
contrast: null
"""
"""Leaves three methods out of the smoke study: every rule but `project_adapter` still runs."""
# What a site adds: there is no accounting database here, and jobs take seconds.
SITE = (
    *("--workflow-profile", "profiles/slurm", "--slurm-status-command", "squeue"),
    *("--slurm-init-seconds-before-status-checks", "3", "--latency-wait", "10"),
)
# The GPUs of these nodes are GPUs in name.
ON_CPU = ("--config", "device=cpu")
LOCAL = {"all", "fetch_source", "evaluate_study", "render_report", "link_results"}
MODELS = {
    "align_checkpoint",
    "fit_probe",
    "generate_responses",
    "run_episodes",
    "search_prefix",
    "tune_adapter",
    "tune_checkpoint",
}


def name_the_site(folder: Path, partition: str = "gpu", minutes: int | None = None) -> None:
    """Edit the lines of the profile that its comment says are to be edited.

    Args:
        folder: A working directory.
        partition: Where steps that run a model go.
        minutes: Time limit of those steps, in place of what comes from the model's size.
    """
    limit = f"\n    runtime: {minutes}" if minutes else ""
    path = Path("profiles") / "slurm" / "config.yaml"
    text = (ROOT / path).read_text()
    for left_out, said in [
        ("# slurm_account: my-account", "slurm_account: tests"),
        ("# slurm_partition: cpu", "slurm_partition: cpu"),
        ("slurm_partition: gpu", f"slurm_partition: {partition}{limit}"),
        ("# gpu_model: a100", "gpu_model: fake"),
    ]:
        assert left_out in text
        text = text.replace(left_out, said)
    (folder / path).write_text(text)


def study_of(folder: Path) -> tuple[str, ...]:
    """Return the files of the study: the smoke study, or a part of it where SHORT=1 is set."""
    return layer(folder, SHORT) if os.environ.get("SHORT") == "1" else (str(SMOKE),)


def layer(folder: Path, text: str) -> tuple[str, ...]:
    """Lay ``text`` over the smoke study; return the files of the study, from ``folder``."""
    (folder / "layer.yaml").write_text(text + "\n")
    return str(SMOKE), "layer.yaml"


def adapter_of(folder: Path, study: tuple[str, ...], method: str = "sft") -> str:
    """Return the digest of the adapter that ``method`` makes in this study."""
    graph = open_workflow([folder / name for name in study]).graph
    (node,) = (each for each in graph.of_rule("tune_adapter") if f"/{method}/" in each.name)
    return node.digest
