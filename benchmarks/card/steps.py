"""Part 5: a training step of 8 rows: sft, AsFT, and AsFT as the released code computes it."""

from __future__ import annotations

import torch
from dense_reference import DenseReference
from safebasin.tuning.objectives.objective import Objective, load_objective

from card.bench import Bench
from card.figures import Note
from card.trials import Run, Trial

TARGETS = ["q_proj", "v_proj"]
"""What the released code of AsFT adapts: 64 matrices of 4096 x 4096 of Llama-2-7B."""
METHODS = ("sft", "asft", "asft, dense")
MICRO = (8, 2)


def measure(bench: Bench, note: Note) -> None:
    """Note each method and kind of step, then fp32 and TF32; what is dear and known best last."""
    trial = Trial(bench, TARGETS)
    for method in METHODS[:2]:
        _all(bench, note, trial, method)
    del trial
    bench.forget()
    _precisions(bench, note)
    bench.forget()
    _all(bench, note, Trial(bench, TARGETS), METHODS[2])


def objective_of(method: str) -> Objective:
    """Return what is added to plain fine-tuning."""
    if method == "asft, dense":
        return DenseReference(1.0)
    return load_objective({"type": "asft", "lambda": 1.0} if method == "asft" else {"type": "sft"})


def _all(bench: Bench, note: Note, trial: Trial, method: str) -> None:
    objective = trial.bind(objective_of(method))
    slow = method == "asft, dense"
    for tokens in bench.shape.lengths:
        for micro in MICRO:
            run = Run(tokens=tokens, micro_batch=micro, **_few(slow))
            note(f"{method}, 8 x {tokens} by {micro}", trial.run(objective, run))
    if not slow:
        run = Run(tokens=bench.shape.lengths[0], micro_batch=2, counted=2, warm=0)
        found = [trial.run(objective, run)["bytes"] for _ in range(2)]
        note(f"{method}, same bytes twice", found[0] == found[1])


def _few(slow: bool) -> dict[str, int]:
    return {"counted": 2, "warm": 1} if slow else {}


def _precisions(bench: Bench, note: Note) -> None:
    """Note a step of sft in fp32 and in TF32, which no job uses: its products keep 10 bits."""
    trial = Trial(bench, TARGETS, "float32")
    objective = trial.bind(objective_of("sft"))
    for tokens in bench.shape.lengths:
        run = Run(tokens=tokens, micro_batch=2, counted=2, warm=1)
        note(f"sft in fp32, 8 x {tokens} by 2", trial.run(objective, run))
        torch.backends.cuda.matmul.allow_tf32 = True
        note(f"sft in TF32, 8 x {tokens} by 2", trial.run(objective, run))
        torch.backends.cuda.matmul.allow_tf32 = False
