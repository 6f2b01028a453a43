"""The training loop that every method shares.

    batch -> backward of each micro-batch -> what the method adds -> finite? -> clip -> step

A method changes it through an ``Objective`` alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from safebasin.errors import StudyError
from safebasin.models.device import forbid_unrepeatable_kernels
from safebasin.progress import SILENT, Progress
from safebasin.tuning.batches import RowStreams, TrainingRow
from safebasin.tuning.loss import answer_loss, check_window
from safebasin.tuning.objectives.objective import Figure, Objective
from safebasin.tuning.resume import Record, ResumeState
from safebasin.tuning.schedule import rate_at
from safebasin.tuning.training import Training

if TYPE_CHECKING:
    import torch
    from accelerate import Accelerator
    from torch import Tensor

    from safebasin.models.load import LoadedModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Trainee:
    """What is trained."""

    model: Any
    parameters: Mapping[str, Tensor]
    """Name to trained parameter, fp32; everything else is frozen."""
    device: torch.device


Watch = Callable[[int], tuple[Mapping[str, float], bool] | None]
"""Called with the number of steps that are done. Returns figures that join the history (their names
begin with ``dev_``) and whether the run ends here; None where it is not time to look."""

WatchOf = Callable[["LoadedModel"], Watch]
"""Makes the rule that may end a run, once the model is loaded."""


def train(
    trainee: Trainee,
    rows: Sequence[TrainingRow],
    training: Training,
    objective: Objective,
    resume: ResumeState,
    progress: Progress = SILENT,
    watch: Watch | None = None,
) -> Record:
    """Train in place for ``training.steps`` steps, or until ``watch`` says stop.

    The caller has seeded the global generators (dropout draws from them). Continues where
    ``resume`` left off, with the same bytes as a run that was never stopped.

    Returns:
        What was done.

    Raises:
        StudyError: a loss or gradient is not finite, a source has no rows, or a row is longer than
            the model's attention window.
    """
    check_window(trainee.model.config, rows)
    accelerator = _accelerator(training, trainee.device)
    optimizer = _optimizer(trainee, training)
    record = resume.load(trainee.parameters, optimizer)
    streams = RowStreams(rows, training.seed, record.taken, training.order)
    trainee.model.train()
    if trainee.device.type == "cuda":
        forbid_unrepeatable_kernels()
    steps = range(record.step, record.step if record.stopped else training.steps)
    for step in progress.over(steps, "training steps", len(steps)):
        batch = streams.take(training.batch_size, objective.next_source(step))
        optimizer.zero_grad(set_to_none=True)
        passes = [
            _LossOf(trainee, accelerator, record, part, answer_tokens(batch), training.padded_to)
            for part in _parts(batch, training.rows_per_pass)
        ]
        figures = _fill_gradients(trainee, objective, step, passes)
        _check_finite(step, figures)
        if training.clip is not None:
            accelerator.clip_grad_norm_(list(trainee.parameters.values()), training.clip)
        rate = rate_at(training, step)
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.step()
        record.history.append(
            {
                "step": step,
                "learning_rate": rate,
                "answer_tokens": answer_tokens(batch),
                **figures,
            }
        )
        _count(record, batch)
        record.step, record.taken = step + 1, dict(streams.taken)
        _look(trainee, record, watch)
        resume.keep_if_due(record, trainee.parameters, optimizer)
        if record.stopped:
            break
    trainee.model.eval()
    return record


def _look(trainee: Trainee, record: Record, watch: Watch | None) -> None:
    if watch is None:
        return
    trainee.model.eval()
    if seen := watch(record.step):
        figures, record.stopped = seen
        record.history[-1] |= figures
    trainee.model.train()


def answer_tokens(rows: Sequence[TrainingRow]) -> int:
    """Return how many tokens of the rows bear loss."""
    return sum(len(row.tokens.answer) for row in rows)


@dataclass(frozen=True, slots=True)
class _LossOf:
    """Computes one micro-batch's loss anew at each call, and counts the passes."""

    trainee: Trainee
    accelerator: Accelerator
    record: Record
    rows: Sequence[TrainingRow]
    tokens: int
    padded_to: int

    def __call__(self) -> Tensor:
        with self.accelerator.autocast():
            loss = answer_loss(
                self.trainee.model,
                self.rows,
                tokens=self.tokens,
                device=self.trainee.device,
                padded_to=self.padded_to,
            )
        self.record.forward_passes += 1
        if loss.requires_grad:
            loss.register_hook(self._count_backward)  # type: ignore[no-untyped-call]
        return loss

    def _count_backward(self, _: Tensor) -> None:
        self.record.backward_passes += 1


def _fill_gradients(
    trainee: Trainee, objective: Objective, step: int, passes: Sequence[_LossOf]
) -> dict[str, float]:
    """Leave the step's gradients in ``.grad``; return its figures, the method's among them."""
    losses = [objective.backward(loss_of) for loss_of in passes]
    norm = _gradient_norm(trainee)
    named = objective.add_gradients(step)
    own, total, *rest = read_figures(
        [norm, _gradient_norm(trainee) if named else norm, *named.values(), *losses]
    )
    return {
        "cross_entropy": sum(rest[len(named) :]),
        "gradient_norm": total,
        "task_gradient_norm": own,
        **dict(zip(named, rest, strict=False)),
    }


def _parts(batch: Sequence[TrainingRow], size: int) -> Iterator[Sequence[TrainingRow]]:
    for start in range(0, len(batch), size):
        yield batch[start : start + size]


def _count(record: Record, batch: Sequence[TrainingRow]) -> None:
    for row in batch:
        record.rows_seen[row.source] = record.rows_seen.get(row.source, 0) + 1
        record.tokens += len(row.tokens.prompt) + len(row.tokens.answer)
    record.answer_tokens += answer_tokens(batch)


def read_figures(figures: Sequence[Figure]) -> list[float]:
    """Return the figures as numbers, waiting for the device only once."""
    import torch

    tensors = [each.detach().double() for each in figures if isinstance(each, torch.Tensor)]
    at_one_place = [each.to(tensors[0].device) for each in tensors]
    read = iter(torch.stack(at_one_place).tolist() if tensors else ())
    return [next(read) if isinstance(each, torch.Tensor) else each for each in figures]


def _gradient_norm(trainee: Trainee) -> Figure:
    """Return the norm over all trained parameters, summed in fp64."""
    import torch

    norms = [
        parameter.grad.detach().norm()
        for parameter in trainee.parameters.values()
        if parameter.grad is not None
    ]
    at_one_place = [norm.to(norms[0].device) for norm in norms]
    return torch.stack(at_one_place).double().norm() if norms else 0.0


def _check_finite(step: int, figures: Mapping[str, float]) -> None:
    bad = [f"{name} = {value}" for name, value in figures.items() if not math.isfinite(value)]
    if bad:
        raise StudyError(
            f"training step {step}: {', '.join(bad)}, and no step is taken on that: lower "
            "learning_rate or the method's weight, set clip, or train in float32"
        )


def _optimizer(trainee: Trainee, training: Training) -> torch.optim.Optimizer:
    import torch

    return torch.optim.AdamW(
        list(trainee.parameters.values()),
        lr=training.learning_rate,
        weight_decay=training.weight_decay,
        fused=True,  # one pass over parameter, gradient and moments instead of ten
    )


def _accelerator(training: Training, device: torch.device) -> Accelerator:
    """Return an accelerator for this device and precision; it keeps one per process otherwise."""
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState

    AcceleratorState._reset_state(reset_partial_state=True)
    return Accelerator(
        cpu=device.type == "cpu",
        mixed_precision="bf16" if training.precision == "bfloat16" else "no",
    )
