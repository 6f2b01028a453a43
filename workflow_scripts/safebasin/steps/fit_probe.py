"""Fits probes on an agent's states, reads its last token behind guards, and steers it."""

from __future__ import annotations

from dataclasses import dataclass, field

from safebasin.agents.pieces import Pieces
from safebasin.agents.probing import AgentProbe, ProbeSettings
from safebasin.agents.rollout import RolloutSettings
from safebasin.agents.steering import Steering
from safebasin.agents.tasks import TaskCounts
from safebasin.agents.world import World, load_world
from safebasin.analysis.probe_rows import probe_table
from safebasin.guards.choice import read_choice
from safebasin.guards.guard import GuardContext, load_guard
from safebasin.guards.injection import Injection
from safebasin.judging.refusing import as_said, refuses
from safebasin.models.chat import ChatFormat
from safebasin.models.device import choose_device, prefer_repeatable_kernels
from safebasin.models.load import LoadedModel, Precision, load_model
from safebasin.steps.job import Job
from safebasin.store.writers import write_json, write_parquet

FILES: tuple[str, ...] = ("probe.parquet", "probe.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """Where probes are fitted, what they read, and how the agent is steered with them."""

    world: dict[str, object]
    tasks: TaskCounts
    """Test tasks whose logits are read."""
    rollout: RolloutSettings
    precision: Precision
    probe: ProbeSettings
    guards: dict[str, dict[str, object]] = field(default_factory=dict)
    """Readable name to a guard's settings; no guard is always among them, as ``none``."""
    steering: Steering | None = None


def run(job: Job) -> None:
    """Write the figures and the settings that they were made with."""
    params = job.params(Params)
    prefer_repeatable_kernels()
    world = load_world(params.world)
    loaded = load_model(
        job.input("checkpoint"),
        device=choose_device(job.device, job.progress),
        precision=params.precision,
        adapter=job.optional("adapter"),
    )
    guards = _injections(job, params, loaded, world)
    probe = AgentProbe(
        loaded,
        world,
        params.probe,
        params.rollout,
        Pieces(job.state, job.progress),
        steering=params.steering,
        progress=job.progress,
    )
    rows = probe.accuracy()
    rows += probe.logits(params.tasks, guards)
    rows += probe.steer(
        lambda opening, reply, action, left: refuses(as_said(opening, reply), action, left)
    )
    write_parquet(job.folder / "probe.parquet", probe_table(rows))
    write_json(job.folder / "probe.json", probe.told() | {"guards": ["none", *guards]})


def _injections(
    job: Job, params: Params, loaded: LoadedModel, world: World
) -> dict[str, Injection]:
    searched = job.optional("guard")
    shown = [*world.tasks("search", "benign"), *world.tasks("search", "harmful")]
    context = GuardContext(
        prefix=read_choice(searched) if searched else None,
        count_tokens=ChatFormat(loaded.tokenizer).count,
        search_tasks=[(task.instruction, task.kind) for task in shown],
    )
    return {
        name: load_guard(guard, context)
        for name, guard in params.guards.items()
        if guard.get("type") != "none"
    }
