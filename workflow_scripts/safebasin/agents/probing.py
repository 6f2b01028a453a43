"""Probes on an agent: what its states tell of a task, behind guards and when they are steered.

Source: PING (arXiv 2508.14031), section 5: logistic probes on states averaged over the prompt,
read at the last token before the agent speaks, and added to its states (table 17).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from safebasin.agents.first_pages import first_page_prompts
from safebasin.agents.pieces import Pieces
from safebasin.agents.prompting import Injected, Nothing
from safebasin.agents.rollout import RolloutSettings
from safebasin.agents.scoring import RefusesAfter
from safebasin.agents.steering import SteeredTasks, Steering, add_up, random_direction, run_steered
from safebasin.agents.tasks import TaskCounts, choose_tasks
from safebasin.agents.world import KINDS, Task, World
from safebasin.analysis.probe import FittedProbe, Floats, fit_probe
from safebasin.analysis.probe_rows import Measure, ProbeRow, accuracy_rows, logit_rows
from safebasin.models.chat import ChatFormat
from safebasin.models.hidden_states import depth_of, prompt_states
from safebasin.models.layers import (
    HEADLINE,
    PAPER_STEERING,
    default_layers,
    layer_index,
    layer_indices,
)
from safebasin.progress import SILENT, Progress
from safebasin.store.canonical import Json

if TYPE_CHECKING:
    from safebasin.models.load import LoadedModel


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeSettings:
    """Where probes are fitted and how they are tried."""

    layers: list[float] | None = None
    """Hidden states, or fractions of the depth; the paper's and a sweep unless given."""
    headline: float | None = None
    """The layer whose figures are told; fixed beforehand, never picked by them."""
    folds: int = 5
    shuffles: int = 5
    seed: int = 0


class AgentProbe:
    """One agent's probes; finished pieces are not computed again."""

    def __init__(
        self,
        loaded: LoadedModel,
        world: World,
        settings: ProbeSettings,
        rollout: RolloutSettings,
        pieces: Pieces,
        *,
        steering: Steering | None = None,
        progress: Progress = SILENT,
    ) -> None:
        """Fit a probe on the tasks of the align part at every layer that is asked for.

        Raises:
            StudyError: the model has no such layer.
        """
        self._loaded, self._world, self._settings = loaded, world, settings
        self._rollout, self._pieces, self._progress = rollout, pieces, progress
        self._steering = steering
        self._chat = ChatFormat(loaded.tokenizer)
        depth = depth_of(loaded)
        headline = HEADLINE if settings.headline is None else settings.headline
        self.headline = layer_index(headline, depth, "headline")
        wanted = settings.layers or default_layers(depth)
        self.steered = (
            layer_indices(steering.layers or PAPER_STEERING, depth, "steering.layers")
            if steering
            else []
        )
        chosen = layer_indices(wanted, depth, "layers")
        self.layers = sorted({*chosen, self.headline, *self.steered})
        self._known = [task for kind in KINDS for task in world.tasks("align", kind)]
        states = pieces.tensors("align", self._align)
        self._pooled: list[Floats] = [each.double().numpy() for each in states["pooled"]]
        self._lengths: list[float] = [float(each) for each in states["lengths"]]
        harmful = np.asarray([task.kind == "harmful" for task in self._known])
        self._probes: list[FittedProbe] = [fit_probe(each, harmful) for each in self._pooled]

    def accuracy(self) -> list[ProbeRow]:
        """Return the accuracy on held-out objects, layer by layer, with shuffled labels beside."""
        settings, rows = self._settings, list[ProbeRow]()
        for layer, states in self._progress.over(
            list(zip(self.layers, self._pooled, strict=True)), "fitting probes, layers"
        ):
            make = partial(
                accuracy_rows,
                layer,
                states,
                _kinds(self._known),
                _objects(self._known),
                folds=settings.folds,
                shuffles=settings.shuffles,
                seed=settings.seed,
            )
            rows += self._pieces.json(f"accuracy-{layer}", make)
        return rows

    def logits(self, counts: TaskCounts, guards: Mapping[str, Injected]) -> list[ProbeRow]:
        """Return the probes' logits on test tasks behind each guard; ``none`` is added."""
        tasks = choose_tasks(self._world, "test", counts)
        everything: Mapping[str, Injected] = {"none": Nothing(), **guards}
        read: dict[str, Any] = {
            name: self._pieces.json(f"logits-{place}", partial(self._logits, tasks, injected))
            for place, (name, injected) in enumerate(everything.items())
        }
        rows: list[ProbeRow] = []
        for place, layer in enumerate(self.layers):
            for measure in _SIDES:
                found = {name: np.asarray(each[measure][place]) for name, each in read.items()}
                rows += logit_rows(measure, layer, found, _kinds(tasks), _objects(tasks))
        return rows

    def steer(self, refuses: RefusesAfter) -> list[ProbeRow]:
        """Return what the agent does at each coefficient, along the probe and along a random line.

        Raises:
            StudyError: the world has fewer tasks of the parts search and dev than are wanted.
        """
        if self._steering is None:
            return []
        tasks = SteeredTasks.choose(self._world, self._steering)
        probes = {layer: self._at(layer)[0].direction for layer in self.steered}
        seed = self._settings.seed
        aside = {layer: random_direction(seed, layer, v.size) for layer, v in probes.items()}
        rows: list[ProbeRow] = []
        for number, coefficient in enumerate(self._steering.coefficients):
            tried: dict[Measure, dict[int, Floats]] = {
                "steering": probes,
                "steering_random": aside,
            }
            for measure, lines in tried.items():
                if coefficient == 0 and measure != "steering":
                    continue  # the same agent as it is
                unit = {layer: line * self.unit(layer) for layer, line in lines.items()}
                make = partial(
                    run_steered,
                    self._loaded, self._world, tasks, self._rollout, refuses, unit, coefficient,
                )  # fmt: skip
                seen = self._pieces.json(f"{measure}-{number}", make)
                rows += add_up(measure, coefficient, tasks, seen)
        return rows

    def unit(self, layer: int) -> float:
        """Return the length of what coefficient 1 adds at a layer."""
        assert self._steering is not None
        return self._steering.unit * self._at(layer)[1]

    def told(self) -> dict[str, Json]:
        """Return the settings as they came out for this model."""
        kinds = _kinds(self._known)
        told: dict[str, Json] = {
            "layers": self.layers,
            "depth": depth_of(self._loaded),
            "headline": self.headline,
            "fitted_on": {kind: kinds.count(kind) for kind in sorted(set(kinds))},
            "objects": len(set(_objects(self._known))),
            "folds": self._settings.folds,
            "shuffles": self._settings.shuffles,
            "words": dict(_WORDS),
        }
        if self._steering is not None:
            told["steering"] = {
                "layers": self.steered,
                "coefficients": self._steering.coefficients,
                "tasks": self._steering.tasks,
                "episodes": self._steering.episodes,
                "unit": self._steering.unit,
                "unit_length": {str(layer): self.unit(layer) for layer in self.steered},
                "logits_per_unit": {
                    str(layer): self.unit(layer) * float(np.linalg.norm(self._at(layer)[0].weight))
                    for layer in self.steered
                },
            }
        return told

    def _at(self, layer: int) -> tuple[FittedProbe, float]:
        """Return a layer's probe and the mean length of its final-token states."""
        place = self.layers.index(layer)
        return self._probes[place], self._lengths[place]

    def _align(self) -> dict[str, Any]:
        states = self._states(self._known, Nothing())
        return {"pooled": states.pooled, "lengths": states.final.norm(dim=-1).mean(dim=-1)}

    def _states(self, tasks: list[Task], injected: Injected) -> Any:
        prompts = first_page_prompts(self._chat, self._world, tasks, injected)
        size = self._rollout.batch_size
        return prompt_states(
            self._loaded, prompts, self.layers, batch_size=size, progress=self._progress
        )

    def _logits(self, tasks: list[Task], injected: Injected) -> dict[str, Json]:
        """Return (layers, tasks) logits of the prompts' averages and of their last tokens."""
        states = self._states(tasks, injected)
        sides = zip(_SIDES, (states.pooled, states.final), strict=True)
        return {
            measure: [
                probe.logits(each.double().numpy()).tolist()
                for probe, each in zip(self._probes, side, strict=True)
            ]
            for measure, side in sides
        }


_SIDES: tuple[Measure, Measure] = ("logit_average", "logit_final")
_WORDS = {
    "fit": "sklearn's logistic regression (max_iter 1000) on standardised states, averaged over "
    "all tokens of the first prompt of the align part's tasks; harmful against all others",
    "accuracy": "on objects that no training fold had; 95 % interval, objects as clusters",
    "accuracy_shuffled": "mean of the shuffles with their least and greatest; labels are dealt "
    "out over whole objects",
    "logit_average": "the probe on the average over the prompt of a test task",
    "logit_final": "the same probe on the last token before the agent speaks; it was fitted on "
    "averages, so that differences mean something here and the sign by itself does not",
    "layer": "0 are the embeddings, i what block i adds up to",
    "steering": "coefficient x unit x the mean length of a final-token state, along the probe's "
    "weight cut to length 1, added to the last position at every steered layer and every new "
    "token; first replies and episodes of search and development tasks",
    "steering_random": "the same length along one random direction",
}


def _kinds(tasks: list[Task]) -> list[str]:
    return [task.kind for task in tasks]


def _objects(tasks: list[Task]) -> list[str]:
    return [task.object for task in tasks]
