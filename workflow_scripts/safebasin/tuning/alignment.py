"""Make an aligned twin of a checkpoint: train some of its matrices, at full rank, on a mixture.

Published pairs of an unaligned and an aligned model are rare at small sizes; this makes one. The
twin has the files, tensor names and types of its base, and differs in the target matrices alone.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safebasin.errors import DamagedInput, DefenceOff, StudyError
from safebasin.models.chat import ChatFormat
from safebasin.models.checkpoint_files import CheckpointFiles
from safebasin.models.device import seeded
from safebasin.models.folder import CHECKPOINT_FILES
from safebasin.models.generate import generate_answers
from safebasin.models.load import LoadedModel, load_model
from safebasin.models.targets import check_targets, layer_of, linear_layers, names_it
from safebasin.progress import SILENT, Progress
from safebasin.resume.place import state_of
from safebasin.store.writers import write_safetensors
from safebasin.tuning.batches import MixtureRow, read_mixture, tokenise
from safebasin.tuning.loop import Trainee, Watch, train
from safebasin.tuning.objectives.objective import Objective
from safebasin.tuning.resume import Record, ResumeState
from safebasin.tuning.training import Training

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_OWN_ANSWER_TOKENS = 48
_OWN_ANSWER_BATCH = 32


def align_checkpoint(
    base: Path,
    mixture: Path,
    folder: Path,
    *,
    targets: Sequence[str],
    layers: int | None = None,
    training: Training,
    device: torch.device,
    save_seconds: float = 30.0,
    progress: Progress = SILENT,
) -> None:
    """Write the trained twin of ``base`` to ``folder``.

    Args:
        base: The checkpoint artifact.
        mixture: The rows; where a response is null, the base answers first and learns to keep
            its answer.
        folder: Gets the checkpoint; its state (``state_of``) is kept beside it.
        targets: Names of the linear layers that are trained, such as ``q_proj``.
        layers: How many of the upper layers are trained; all where it is not given.
        training: The run.
        device: Where to train.
        save_seconds: How often the state is kept.
        progress: Told of each step.

    Raises:
        StudyError: a target names no matrix, or the run diverges.
        DefenceOff: a target matrix is unchanged at the end.
    """
    loaded = load_model(base, device=device, precision=training.precision)
    state = state_of(folder)
    rows = answer_own_rows(loaded, read_mixture(mixture), state / "answers", progress)
    resume = ResumeState(state / "training", save_seconds, progress)
    parameters = unfreeze(loaded.model, targets, layers)
    train_matrices(loaded, parameters, rows, training, resume, base.name, progress)
    write_twin(base, folder, parameters)


def train_matrices(
    loaded: LoadedModel,
    parameters: Mapping[str, Tensor],
    rows: Sequence[MixtureRow],
    training: Training,
    resume: ResumeState,
    name: str,
    progress: Progress = SILENT,
    watch: Watch | None = None,
) -> tuple[Record, int]:
    """Train the unfrozen matrices on the rows; return the record and how many rows were cut.

    Raises:
        StudyError: the run diverges.
    """
    chat = ChatFormat(loaded.tokenizer, f"checkpoint {name}")
    tokenised, rows_cut = tokenise(rows, chat, training.max_length)
    trainee = Trainee(model=loaded.model, parameters=parameters, device=loaded.device)
    with seeded(training.seed), resume:
        record = train(trainee, tokenised, training, Objective(), resume, progress, watch)
    return record, rows_cut


def answer_own_rows(
    loaded: LoadedModel, rows: Sequence[MixtureRow], resume: Path, progress: Progress = SILENT
) -> list[MixtureRow]:
    """Return the rows with every missing response replaced by the model's own greedy answer.

    The answers are kept until the run ends (here in ``resume``), so that a killed run trains on
    the same text without generating it again.
    """
    chat = ChatFormat(loaded.tokenizer)
    asked = [place for place, row in enumerate(rows) if row.response is None]
    answers = generate_answers(
        loaded,
        [chat.prompt(rows[place].messages) for place in asked],
        max_new_tokens=_OWN_ANSWER_TOKENS,
        batch_size=_OWN_ANSWER_BATCH,
        resume=resume,
        progress=progress,
    )
    completed = list(rows)
    for place, answer in zip(asked, answers, strict=True):
        completed[place] = replace(rows[place], response=answer.text)
    return completed


def unfreeze(model: Any, targets: Sequence[str], layers: int | None = None) -> dict[str, Tensor]:
    """Return name to parameter of the target matrices, now fp32 and trained.

    Args:
        model: The model.
        targets: Names of linear layers.
        layers: How many of the upper layers are trained; all where it is not given.

    Raises:
        StudyError: a target does not name a linear layer in every layer of the model, or there
            are fewer layers.
    """
    import torch

    depth = int(model.config.num_hidden_layers)
    if layers is not None and layers > depth:
        raise StudyError(f"layers: {layers}: the model has {depth} layers")
    check_targets(model, targets, "targets")
    lowest = 0 if layers is None else depth - layers
    named = [
        name for name in linear_layers(model) if any(names_it(target, name) for target in targets)
    ]
    found: dict[str, Tensor] = {}
    for name in named:
        layer = layer_of(name)  # one outside of all layers counts as the last
        if layer is None or layer >= lowest:
            module = model.get_submodule(name)
            module.weight = torch.nn.Parameter(module.weight.detach().float())
            found[f"{name}.weight"] = module.weight
    return found


def write_twin(base: Path, folder: Path, trained: Mapping[str, Tensor]) -> None:
    """Write the base's files with the trained matrices in place of its own.

    Raises:
        DamagedInput: the base stores a trained matrix under another name.
        DefenceOff: a trained matrix equals the base's once rounded to the base's type.
    """
    files = CheckpointFiles(base)
    if absent := sorted(name for name in trained if name not in files):
        raise DamagedInput(f"{base} stores no tensor {absent[0]}, which was trained")
    unchanged = set(trained)
    for path in sorted({path for name in CHECKPOINT_FILES for path in base.glob(name)}):
        if path.suffix != ".safetensors":
            shutil.copyfile(path, folder / path.name)
            continue
        tensors: dict[str, Tensor] = {}
        for name in _names_in(path):
            old = files.read(name)
            tensors[name] = old
            if name in trained:
                tensors[name] = trained[name].detach().cpu().to(old.dtype)
                if not tensors[name].equal(old):
                    unchanged.discard(name)
        write_safetensors(folder / path.name, tensors)
    if unchanged:
        raise DefenceOff(
            f"alignment left {len(unchanged)} of {len(trained)} target matrices unchanged (the "
            f"first is {min(unchanged)}): more steps, a higher rate, or a finer dtype are needed"
        )


def _names_in(path: Path) -> list[str]:
    from safebasin.models.tensor_files import TensorFile

    return sorted(TensorFile(path).tensors)
