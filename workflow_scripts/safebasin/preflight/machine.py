"""Does this machine have what the jobs ask for? GPU memory, a sandbox."""

from __future__ import annotations

from safebasin.agents.toolshell.sandbox import require_sandbox
from safebasin.errors import MachineLacks
from safebasin.machine import GIGABYTE
from safebasin.preflight.finding import Finding, Site
from safebasin.sizing import gpu_room, gpus, model_bytes
from safebasin.study.graph import Node


def check_gpu(site: Site) -> list[Finding]:
    """Compare the largest job of each rule that runs a model with the GPUs that it is granted."""
    found = []
    for node, granted in gpus_asked(site):
        needed = model_bytes(node)
        if needed > gpu_room(granted, site.gpus.bytes_each):
            room = f"{granted} GPU{'s' * (granted > 1)} of {site.gpus.size}"
            found.append(
                Finding(
                    check="gpu",
                    what=f"{node.name} needs about {needed / GIGABYTE:.3g} GB of GPU memory, and "
                    f"does not fit {room}{' (stated)' * site.gpus.stated}",
                    cure=_cure(node),
                )
            )
    return found


def gpus_asked(site: Site) -> list[tuple[Node, int]]:
    """Return the largest job of each rule that runs a model, and the GPUs that it is granted."""
    largest: dict[str, Node] = {}
    for node in sorted(site.on_model(), key=model_bytes, reverse=True):
        largest.setdefault(node.rule, node)
    each, most = site.gpus.bytes_each, site.gpus.count
    return [(node, gpus(node, each, most)) for node in largest.values()]


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
            "precision: bfloat16, or give it more or larger GPUs"
        )
    return "take generation.precision: bfloat16, or give it more or larger GPUs"
