"""Full fine-tuning of a checkpoint's upper layers, with the record of what was done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from safebasin.models.load import Precision, load_model
from safebasin.progress import SILENT, Progress
from safebasin.resume.place import state_of
from safebasin.store.writers import write_json
from safebasin.tuning.activity import activity_of
from safebasin.tuning.alignment import train_matrices, unfreeze, write_twin
from safebasin.tuning.batches import read_mixture
from safebasin.tuning.history import write_history
from safebasin.tuning.loop import Watch, WatchOf
from safebasin.tuning.objectives.objective import Coverage
from safebasin.tuning.resume import ResumeState
from safebasin.tuning.training import Training

if TYPE_CHECKING:
    import torch
    from torch import Tensor


def tune_checkpoint(
    checkpoint: Path,
    mixture: Path,
    folder: Path,
    *,
    targets: Sequence[str],
    layers: int | None,
    training: Training,
    device: torch.device,
    watch_of: WatchOf | None = None,
    save_seconds: float = 30.0,
    progress: Progress = SILENT,
) -> None:
    """Write the fine-tuned twin of ``checkpoint``, its history and its activity to ``folder``.

    Args:
        checkpoint: The checkpoint artifact that is tuned.
        mixture: The rows.
        folder: Gets the files; its state (``state_of``) is kept beside it.
        targets: Names of the linear layers that are trained.
        layers: How many of the upper layers are trained; all where it is not given.
        training: The run.
        device: Where to train.
        watch_of: Makes the rule that may end the run early.
        save_seconds: How often the state is kept.
        progress: Told of each step.

    Raises:
        StudyError: a setting does not fit the model or the data, or the run diverges.
        DefenceOff: a target matrix is unchanged at the end.
    """
    loaded = load_model(checkpoint, device=device, precision=training.precision)
    parameters = unfreeze(loaded.model, targets, layers)
    resume = ResumeState(state_of(folder), save_seconds, progress)
    watch = _as_written(watch_of(loaded), training.precision, parameters) if watch_of else None
    record, rows_cut = train_matrices(
        loaded,
        parameters,
        read_mixture(mixture),
        training,
        resume,
        checkpoint.name,
        progress,
        watch,
    )
    write_twin(checkpoint, folder, parameters)
    write_history(folder / "history.parquet", record.history)
    write_json(
        folder / "activity.json",
        activity_of(
            {"type": "full"},
            Coverage(expected=len(parameters), covered=len(parameters)),
            record,
            rows_cut=rows_cut,
            trained_values=sum(values.numel() for values in parameters.values()),
        ),
    )


def _as_written(watch: Watch, precision: Precision, parameters: Mapping[str, Tensor]) -> Watch:
    """Return the rule, looking at the trained matrices in the type of the rest of the model.

    They are trained in fp32, and where the rest is bfloat16 a model of two types does not run
    outside of training.
    """
    import torch

    kind = getattr(torch, precision)

    def look(step: int) -> tuple[Mapping[str, float], bool] | None:
        exact = {name: weight.data for name, weight in parameters.items()}
        for weight in parameters.values():
            weight.data = weight.data.to(kind)
        try:
            return watch(step)
        finally:
            for name, weight in parameters.items():
                weight.data = exact[name]

    return look
