"""Does this machine have what the jobs ask for? GPU memory, a sandbox."""

from __future__ import annotations

import shutil
from pathlib import Path

from safebasin.agents.toolshell.sandbox import require_sandbox
from safebasin.errors import MachineLacks
from safebasin.preflight.finding import Finding, Site
from safebasin.sizing import model_bytes
from safebasin.sources.preview import size_text
from safebasin.study.graph import Node


def visible_gpu_bytes() -> int | None:
    """Return the memory of the smallest visible GPU, or None where there is none."""
    if shutil.which("nvidia-smi") is None and not Path("/dev/nvidiactl").exists():
        return None
    import torch

    if not torch.cuda.is_available():
        return None
    count = torch.cuda.device_count()
    return min(int(torch.cuda.mem_get_info(index)[1]) for index in range(count))


def check_gpu(site: Site) -> list[Finding]:
    """Compare each kind of model job with the GPU's memory; nothing where no GPU is visible."""
    if site.gpu_bytes is None:
        return []
    worst: dict[str, tuple[int, Node]] = {}
    for node in site.on_model():
        needed = model_bytes(node)
        if needed > max(site.gpu_bytes, worst.get(node.rule, (0, node))[0]):
            worst[node.rule] = (needed, node)
    return [
        Finding(
            check="gpu",
            what=f"{node.name} needs about {size_text(needed)} of GPU memory, and "
            f"{size_text(site.gpu_bytes)} are there",
            cure=_cure(node),
        )
        for needed, node in worst.values()
    ]


def check_sandbox(site: Site) -> list[Finding]:
    """Try the sandbox where a job left would run an agent's code."""
    study = site.workflow.study
    names = [name for name, world in study.worlds.items() if world.type == "toolshell"]
    if not names or not any(node.rule == "run_episodes" for node in site.left()):
        return []
    try:
        require_sandbox()
    except MachineLacks as problem:
        return [Finding.of("sandbox", f"worlds.{names[0]}", problem)]
    return []


def _cure(node: Node) -> str:
    if "training" in node.spec.params:
        return (
            "lower training.micro_batch (the sum over the batch stays) or max_length, take "
            "precision: bfloat16, or a larger GPU"
        )
    return "take generation.precision: bfloat16, or a larger GPU"
