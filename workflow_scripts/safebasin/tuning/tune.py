"""Fine-tune a LoRA adapter by a method, and prove that the method was on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from safebasin.errors import StudyError
from safebasin.models.adapter_files import tensor_name, write_adapter
from safebasin.models.chat import ChatFormat
from safebasin.models.checkpoint_files import CheckpointFiles
from safebasin.models.device import seeded
from safebasin.models.load import load_model
from safebasin.progress import SILENT, Progress
from safebasin.resume.place import state_of
from safebasin.store.writers import write_json
from safebasin.tuning.activity import activity_of, check_all_named, check_coverage, check_trace
from safebasin.tuning.adapter import add_adapter
from safebasin.tuning.batches import read_mixture, tokenise
from safebasin.tuning.history import write_history
from safebasin.tuning.loop import Trainee, WatchOf, train
from safebasin.tuning.objectives.objective import LoraPair, Objective, load_objective
from safebasin.tuning.resume import ResumeState
from safebasin.tuning.training import Lora, Training

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from safebasin.directions.reader import DirectionReader

ADAPTER_FILES: tuple[str, ...] = (
    "adapter_config.json",
    "adapter_model.safetensors",
    "history.parquet",
    "activity.json",
)


def tune_adapter(
    checkpoint: Path,
    mixture: Path,
    direction: Path | None,
    folder: Path,
    *,
    method: Mapping[str, object],
    lora: Lora,
    training: Training,
    device: torch.device,
    watch_of: WatchOf | None = None,
    save_seconds: float = 30.0,
    progress: Progress = SILENT,
) -> None:
    """Write the adapter, its history and its activity to ``folder``.

    Args:
        checkpoint: The checkpoint artifact that is tuned; its folder's name is its digest.
        mixture: The rows.
        direction: The alignment direction, for methods that need one.
        folder: Gets the files; its state (``state_of``) is kept beside it.
        method: The method's settings, ``{"type": "asft", "lambda": 1.0, ...}``.
        lora: The adapter's size.
        training: The run.
        device: Where to train.
        watch_of: Makes the rule that may end the run early.
        save_seconds: How often the state is kept.
        progress: Told of each step.

    Raises:
        DefenceOff: the method covers too few matrices, or it or the adapter left no trace.
        StudyError: a setting does not fit the model or the data, or the run diverges.
    """
    objective = load_objective(method)
    loaded = load_model(checkpoint, device=device, precision=training.precision)
    chat = ChatFormat(loaded.tokenizer, f"checkpoint {checkpoint.name}")
    rows, rows_cut = tokenise(read_mixture(mixture), chat, training.max_length)
    with seeded(training.seed):
        model, pairs = add_adapter(loaded.model, lora)
        check_all_named(CheckpointFiles(checkpoint), lora.targets, pairs)
        coverage = objective.bind(pairs, _reader(method, objective, direction))
        check_coverage(str(method["type"]), coverage)
        resume = ResumeState(state_of(folder), save_seconds, progress)
        trainee = Trainee(model=model, parameters=named_factors(pairs), device=device)
        watch = watch_of(replace(loaded, model=model)) if watch_of else None
        with resume:
            record = train(trainee, rows, training, objective, resume, progress, watch)
    check_trace(str(method["type"]), objective, record, pairs)
    size = sum(factor.numel() for factor in trainee.parameters.values())
    _write(folder, checkpoint.name, lora, pairs)
    write_history(folder / "history.parquet", record.history)
    write_json(
        folder / "activity.json",
        activity_of(method, coverage, record, rows_cut=rows_cut, trained_values=size),
    )


def named_factors(pairs: list[LoraPair]) -> dict[str, Tensor]:
    """Return name to factor of all pairs, in a fixed order."""
    factors: dict[str, Tensor] = {}
    for pair in pairs:
        factors[tensor_name(pair.name, "A")] = pair.a
        factors[tensor_name(pair.name, "B")] = pair.b
    return factors


def _reader(
    method: Mapping[str, object], objective: Objective, direction: Path | None
) -> DirectionReader | None:
    if direction is None:
        if objective.needs_direction:
            raise StudyError(f"method {method['type']} needs a direction and was given none")
        return None
    from safebasin.directions.reader import DirectionReader

    return DirectionReader(direction)


def _write(folder: Path, base: str, lora: Lora, pairs: list[LoraPair]) -> None:
    config = {
        "peft_type": "LORA",
        "base_model_name_or_path": base,
        "r": lora.rank,
        "lora_alpha": lora.alpha,
        "lora_dropout": lora.dropout,
        "target_modules": sorted(lora.targets),
    }
    write_adapter(folder, config, named_factors(pairs))
