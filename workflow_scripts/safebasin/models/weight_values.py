"""The numbers of a checkpoint's weights: all finite, and not all of them zero.

One weight that is no number makes every answer none, and a file that was never filled reads as
zeros: a model of either gives answers too, of which nobody would know.
"""

from __future__ import annotations

from pathlib import Path

from safebasin.errors import DamagedInput
from safebasin.models.checkpoint_files import CheckpointFiles
from safebasin.models.tensor_files import FLOATS, TensorFile

_LARGEST = 3.4028234663852886e38  # of float32, which holds all of bfloat16's and float16's


def check_values(folder: Path) -> None:
    """Raise where weights are no finite numbers in fp32; they are read run by run.

    Raises:
        DamagedInput: they are not, or all that a file holds are zeros.
    """
    for file in CheckpointFiles(folder).files:
        _check_file(folder, file)


def _check_file(folder: Path, file: TensorFile) -> None:
    names = [name for name, stored in sorted(file.tensors.items()) if stored.dtype in FLOATS]
    largest = {name: _largest(file, name) for name in names}
    if odd := [name for name in names if not largest[name] <= _LARGEST]:  # NaN is not
        raise DamagedInput(
            f"{folder}: {len(odd)} weights hold values that are no finite numbers (NaN, or beyond "
            f"float32), {odd[0]} first; give a checkpoint that was saved whole, in a type that "
            "holds its numbers"
        )
    has_matrix = any(len(file.tensors[name].shape) > 1 for name in names)
    if has_matrix and not any(largest.values()):
        raise DamagedInput(
            f"{file.path} holds nothing but zeros: it was never filled, or its download was cut "
            "short; fetch it again"
        )


def _largest(file: TensorFile, name: str) -> float:
    """Return the largest magnitude of a tensor, NaN where one is none, 0 where there are none."""
    found = 0.0
    for part in file.parts(name):
        low, high = (float(end) for end in part.aminmax())
        magnitude = max(-low, high)
        if magnitude != magnitude:
            return magnitude
        found = max(found, magnitude)
    return found
