"""Short training runs of one adapter, each from the same start."""

from __future__ import annotations

import statistics
import tempfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import torch
from random_llama import build_llama, random_rows
from safebasin.models.device import prefer_repeatable_kernels, seeded
from safebasin.models.load import Precision
from safebasin.tuning.adapter import add_adapter
from safebasin.tuning.loop import Trainee, train
from safebasin.tuning.objectives.objective import Objective
from safebasin.tuning.resume import ResumeState
from safebasin.tuning.training import Lora, Training
from safebasin.tuning.tune import named_factors

from card.bench import Bench, Clock
from card.random_direction import RandomDirection

BATCH = 8
"""Rows of a step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """How a run goes."""

    tokens: int
    """Of a row."""
    micro_batch: int
    counted: int = 3
    """Steps whose time is taken; the first ones are left out."""
    warm: int = 2


class Trial:
    """A model with an adapter on it."""

    def __init__(self, bench: Bench, targets: list[str], precision: Precision = "bfloat16") -> None:
        """Build both."""
        self._bench, self._precision = bench, precision
        prefer_repeatable_kernels()  # the run before this one may have forbidden more
        loaded = build_llama(bench.shape, bench.device, precision)
        with seeded(0):
            model, self.pairs = add_adapter(loaded.model, Lora(rank=8, alpha=16, targets=targets))
        factors = named_factors(self.pairs)
        self._trainee = Trainee(model=model, parameters=factors, device=bench.device)
        self._start = {name: factor.detach().clone() for name, factor in factors.items()}

    def bind(self, objective: Objective) -> Objective:
        """Give the objective the adapter, and a random direction."""
        objective.bind(self.pairs, RandomDirection(self.pairs))  # type: ignore[arg-type]
        return objective

    def run(self, objective: Objective, run: Run) -> dict[str, object]:
        """Train from the start; return time, peak of memory, and a digest of the factors' bytes."""
        with torch.no_grad():
            for name, factor in self._trainee.parameters.items():
                factor.copy_(self._start[name])
        steps = run.warm + run.counted
        training = Training(
            learning_rate=1e-4, steps=steps, batch_size=BATCH, micro_batch=run.micro_batch,
            max_length=run.tokens, precision=self._precision, clip=1.0,
        )  # fmt: skip
        clock = Clock(self._bench)
        rows = random_rows(run.tokens, BATCH * steps)
        self._bench.start_peak()
        with tempfile.TemporaryDirectory(dir=self._bench.scratch) as folder, seeded(0):
            resume = ResumeState(Path(folder) / "resume", 1e9)
            train(self._trainee, rows, training, objective, resume, clock)
        counted = clock.seconds[run.warm :]
        return {
            "step_seconds_median": statistics.median(counted),
            "step_seconds": [min(counted), max(counted)],
            "peak_gib": self._bench.peak(),
            "bytes": self._digest(),
        }

    def _digest(self) -> str:
        found = sha256()
        for factor in self._trainee.parameters.values():
            found.update(factor.detach().cpu().numpy().tobytes())
        return found.hexdigest()[:16]
