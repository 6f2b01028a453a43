"""The numbers of a checkpoint's weights: all finite, and not all of them zero.

One weight that is no number makes every answer none, and a file that was never filled reads as
zeros: a model of either gives answers too, of which nobody would know.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from safebasin.errors import DamagedInput
from safebasin.models.checkpoint_files import CheckpointFiles
from safebasin.models.tensor_files import FLOATS, TensorFile

if TYPE_CHECKING:
    from torch import Tensor

_AT_ONCE = 1 << 24
"""Numbers that are looked at together."""


def check_values(folder: Path) -> None:
    """Raise where weights are no finite numbers in fp32; they are read tensor by tensor.

    Raises:
        DamagedInput: they are not, or all that a file holds are zeros.
    """
    for file in CheckpointFiles(folder).files:
        _check_file(folder, file)


def _check_file(folder: Path, file: TensorFile) -> None:
    odd, blank, matrices = [], True, 0
    for name, stored in sorted(file.tensors.items()):
        if stored.dtype not in FLOATS or not stored.size:
            continue
        values = file.read(name)
        if not _is_finite(values):
            odd.append(name)
        blank = blank and not values.any()
        matrices += len(stored.shape) > 1
    if odd:
        raise DamagedInput(
            f"{folder}: {len(odd)} weights hold values that are no finite numbers (NaN, or beyond "
            f"float32), {odd[0]} first; give a checkpoint that was saved whole, in a type that "
            "holds its numbers"
        )
    if blank and matrices:
        raise DamagedInput(
            f"{file.path} holds nothing but zeros: it was never filled, or its download was cut "
            "short; fetch it again"
        )


def _is_finite(values: Tensor) -> bool:
    flat = values.reshape(-1)
    starts = range(0, flat.numel(), _AT_ONCE)
    return all(bool(flat[at : at + _AT_ONCE].float().isfinite().all()) for at in starts)
