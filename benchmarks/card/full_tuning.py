"""Part 7: full tuning of some upper layers: bytes a trained parameter, and keeping a state."""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from random_llama import build_llama, random_rows
from safebasin.models.device import seeded
from safebasin.tuning.alignment import unfreeze
from safebasin.tuning.loop import Trainee, train
from safebasin.tuning.objectives.objective import Objective
from safebasin.tuning.resume import ResumeState
from safebasin.tuning.training import Training

from card.bench import GIB, Bench, Clock
from card.figures import Note

TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


class _Timed(ResumeState):
    """Keeps every state, and how long each took."""

    seconds: list[float]

    def keep_if_due(self, *given: Any, **named: Any) -> None:
        began = time.perf_counter()
        super().keep_if_due(*given, **named)
        self.seconds = [*getattr(self, "seconds", []), time.perf_counter() - began]


def measure(bench: Bench, note: Note) -> None:
    """Train twice: with no state kept, for time and memory; with each kept, for its cost."""
    loaded = build_llama(bench.shape, bench.device, "bfloat16")
    parameters = unfreeze(loaded.model, TARGETS, bench.shape.upper)
    trained = sum(weight.numel() for weight in parameters.values())
    note("million_trained", trained / 1e6)
    trainee = Trainee(model=loaded.model, parameters=parameters, device=bench.device)
    bench.forget()
    weights = bench.held()
    root = Path(tempfile.mkdtemp(dir=bench.scratch, prefix="full-tuning-"))
    try:
        clock = Clock(bench)
        bench.start_peak()
        _train(bench, trainee, 4, ResumeState(root / "none", 1e9), clock)
        note("step_seconds_median", statistics.median(clock.seconds[1:]))
        note("peak_gib", bench.peak())
        # The fp32 weights are there already: gradient, two moments, and what a pass needs.
        note("bytes_a_parameter", 4 + (bench.peak() - weights) * GIB / trained)
        state = _Timed(root / "kept", 0.0)
        _train(bench, trainee, 2, state, Clock(bench))
        size = sum(path.stat().st_size for path in root.glob("kept/*/*"))
        kept = {"seconds": state.seconds, "gb": size / 1e9}
        note("a_state", kept | {"gb_per_second": size / 1e9 / min(state.seconds)})
    finally:
        shutil.rmtree(root)


def _train(bench: Bench, trainee: Trainee, steps: int, state: ResumeState, clock: Clock) -> None:
    tokens = bench.shape.lengths[1]
    training = Training(
        learning_rate=1e-5, steps=steps, micro_batch=2, max_length=tokens, precision="bfloat16"
    )
    with seeded(0):
        train(trainee, random_rows(tokens, 8 * steps), training, Objective(), state, clock)
