"""Part 6: AsFT on all seven kinds of matrices of a Llama: its anchors, and its step."""

from __future__ import annotations

from card.bench import GIB, Bench
from card.figures import Note
from card.steps import objective_of
from card.trials import Run, Trial

SEVEN = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def measure(bench: Bench, note: Note) -> None:
    """Note what the anchors should take, what making them takes, and a step of sft and of asft."""
    trial = Trial(bench, SEVEN)
    run = Run(tokens=bench.shape.lengths[0], micro_batch=2)
    note("sft", trial.run(objective_of("sft"), run))
    numbers = [len(pair.b) * min(len(pair.b), pair.a.shape[1]) for pair in trial.pairs]
    note("anchors_gib", 4 * sum(numbers) / GIB)
    before = bench.held()
    bench.start_peak()
    objective = objective_of("asft")
    note("making_seconds", bench.seconds(lambda: trial.bind(objective)))
    note("held_gib", bench.held() - before)
    note("peak_while_making_gib", bench.peak() - before)
    note("asft", trial.run(objective, run))
