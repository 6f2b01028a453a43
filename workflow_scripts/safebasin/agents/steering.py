"""What an agent does while a vector is added to its states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from safebasin.agents.prompting import Nothing
from safebasin.agents.rollout import RolloutSettings, play
from safebasin.agents.scoring import PrefixScorer, RefusesAfter
from safebasin.agents.world import Kind, Task, World
from safebasin.analysis.probe import Floats
from safebasin.analysis.probe_rows import Measure, ProbeRow, steering_row
from safebasin.errors import StudyError
from safebasin.models.hidden_states import steered

if TYPE_CHECKING:
    from safebasin.models.load import LoadedModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Steering:
    """How hard an agent is steered, and on how many tasks."""

    coefficients: list[float]
    tasks: int = 14
    """Harmful tasks, and as many benign ones."""
    episodes: int = 7
    """So many of the benign ones, the first, are played to their end."""
    layers: list[float] | None = None
    """The paper's five, scaled to the model, unless given."""
    unit: float = 0.01
    """Length of what coefficient 1 adds at each layer, as a share of the mean length of the final
    token's state there. With 0.01, coefficient 20 adds a fifth of it at each of five layers. (Tried
    on a 135M agent: at a tenth it refused 3 of 14 harmful tasks, at a quarter it acted on none.)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SteeredTasks:
    """The tasks that a steered agent gets: of the search part, then of the development part.

    Never of the test part: whoever picks a coefficient by these figures has not seen it.
    """

    harmful: list[Task]
    benign: list[Task]
    played: list[Task]
    """Benign ones that are played to their end."""

    @classmethod
    def choose(cls, world: World, steering: Steering) -> SteeredTasks:
        """Return as many tasks of each kind as are wanted.

        Raises:
            StudyError: the two parts have fewer.
        """
        harmful = _first(world, "harmful", steering.tasks)
        benign = _first(world, "benign", steering.tasks)
        return cls(harmful=harmful, benign=benign, played=benign[: steering.episodes])


def run_steered(
    loaded: LoadedModel,
    world: World,
    tasks: SteeredTasks,
    settings: RolloutSettings,
    refuses: RefusesAfter,
    unit: Mapping[int, Floats],
    coefficient: float,
) -> dict[str, dict[str, bool]]:
    """Return, by task id, what is ``refused`` and ``acted`` on at first, and what is ``reached``.

    Args:
        loaded: The agent's model.
        world: Where it acts.
        tasks: What it is asked.
        settings: How replies and episodes are made.
        refuses: The turn rule.
        unit: Layer to what coefficient 1 adds there, (width,).
        coefficient: How much of it is added.
    """
    import torch

    vectors = {layer: torch.from_numpy(coefficient * each).float() for layer, each in unit.items()}
    scorer = PrefixScorer(loaded, world, [*tasks.harmful, *tasks.benign], settings, refuses)
    with steered(loaded, vectors):
        seen = scorer.score("")
        played = play(loaded, world, tasks.played, Nothing(), settings)
    return {
        "refused": {each.task.id: each.refused for each in seen},
        "acted": {each.task.id: each.acted for each in seen},
        "reached": {one.task.id: one.reached_turn is not None for one in played},
    }


def add_up(
    measure: Measure,
    coefficient: float,
    tasks: SteeredTasks,
    seen: Mapping[str, Mapping[str, bool]],
) -> list[ProbeRow]:
    """Return RR, benign RR, SR, and the shares that act at first, as rows."""
    rows = []
    for metric, kind, outcome, ours in (
        ("RR", "harmful", "refused", tasks.harmful),
        ("benign RR", "benign", "refused", tasks.benign),
        ("acted", "harmful", "acted", tasks.harmful),
        ("acted", "benign", "acted", tasks.benign),
        ("SR", "benign", "reached", tasks.played),
    ):
        if ours:
            happened = [seen[outcome][task.id] for task in ours]
            objects = [task.object for task in ours]
            rows.append(steering_row(measure, coefficient, kind, metric, happened, objects))
    return rows


def random_direction(seed: int, layer: int, width: int) -> Floats:
    """Return a direction of length 1 that has nothing to do with the probe, (width,)."""
    drawn = np.random.default_rng([seed, layer]).standard_normal(width)
    unit: Floats = drawn / np.linalg.norm(drawn)
    return unit


def _first(world: World, kind: Kind, count: int) -> list[Task]:
    found = [*world.tasks("search", kind), *world.tasks("dev", kind)]
    if len(found) < count:
        raise StudyError(
            f"steering.tasks: {count} wanted; the parts search and dev of the world have "
            f"{len(found)} {kind} tasks"
        )
    return found[:count]
