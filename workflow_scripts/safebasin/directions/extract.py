"""Extract the alignment direction d = W_aligned - W_base, one matrix in memory at a time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import torch
from torch import Tensor

from safebasin.directions.pairing import matching_matrices
from safebasin.directions.reader import FACTS, SPECTRUM, TENSORS, ZeroPolicy
from safebasin.directions.rounding import is_rounding
from safebasin.directions.spectrum import frobenius_norm, singular_values
from safebasin.directions.surrogate import random_direction
from safebasin.directions.tensor_stream import StreamDtype, TensorStream
from safebasin.errors import DamagedInput, StudyError
from safebasin.models.checkpoint_files import CheckpointFiles
from safebasin.progress import SILENT, Progress
from safebasin.store.writers import write_json, write_parquet

_SCHEMA = pa.schema(
    [
        ("matrix", pa.string()),
        ("module", pa.string()),
        ("layer", pa.int32()),
        ("rows", pa.int64()),
        ("cols", pa.int64()),
        ("norm_d", pa.float64()),
        ("norm_base", pa.float64()),
        ("k", pa.int32()),
        ("singular_value", pa.float64()),
        ("eigenvalue", pa.float64()),
        ("energy_share", pa.float64()),
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Extraction:
    """What to extract."""

    targets: Sequence[str]
    """Module names; ``q_proj`` takes every matrix ``*.q_proj.weight``."""
    top: int = 16
    """Singular values to list for each matrix."""
    dtype: StreamDtype = "float32"
    """How d is stored; it is always subtracted in fp32, and rounded once."""
    zero: ZeroPolicy = "refuse"
    """What a matrix with d = 0 means to the methods that use the direction."""
    random_seed: int | None = None
    """If given, d is replaced by a random matrix of the same singular values."""


def extract_direction(
    aligned: Path,
    base: Path,
    folder: Path,
    extraction: Extraction,
    progress: Progress = SILENT,
) -> None:
    """Write the direction of two checkpoints into ``folder``.

    Every matrix is read once from each checkpoint, in name order, subtracted in fp32 from the
    dtype it is stored in, and written before the next one is read. (Rounding the weights to bf16
    before subtracting would leave little of d, which is small against them.)

    Args:
        aligned: Folder of the safety-tuned checkpoint.
        base: Folder of the checkpoint that it was made from.
        folder: Gets ``direction.safetensors``, ``spectrum.parquet``, ``direction.json``.
        extraction: What to extract.
        progress: Is told about every matrix.

    Raises:
        StudyError: the checkpoints do not pair, are equal but for rounding, or have matrices with
            d = 0 where the policy is ``refuse``; these are named.
        DamagedInput: a file is broken, or a difference is not finite.

    Source: AsFT, arXiv:2506.08473, section 3; d is not normalised.
    """
    newer, older = CheckpointFiles(aligned), CheckpointFiles(base)
    shapes = matching_matrices(newer, older, extraction.targets)
    zeros: list[str] = []
    rows: list[dict[str, object]] = []
    only_rounded = True
    with TensorStream(folder / TENSORS, shapes, extraction.dtype) as out:
        for name in progress.over(list(shapes), "matrices of the direction"):
            d, before = _difference(newer, older, name)
            norm_base = frobenius_norm(before)
            only_rounded = only_rounded and is_rounding(before, d)
            if not d.any():
                zeros.append(name)
            elif extraction.random_seed is not None:
                d = random_direction(d, extraction.random_seed, name)
            out.add(name, d)
            rows += _spectrum_rows(name, d, norm_base, extraction.top)
    _check_zeros(zeros, len(shapes), extraction.zero)
    if only_rounded:
        raise StudyError(
            f"aligned and base are the same weights in two precisions: in all {len(shapes)} "
            "matrices they differ by no more than one was rounded, so that the direction would be "
            "noise; check that the pair names two different checkpoints"
        )
    write_parquet(folder / SPECTRUM, pa.Table.from_pylist(rows, schema=_SCHEMA))
    random = None if extraction.random_seed is None else {"seed": extraction.random_seed}
    write_json(
        folder / FACTS,
        {
            "matrices": len(shapes),
            "targets": sorted(extraction.targets),
            "zero": extraction.zero,
            "zero_matrices": zeros,
            "random_spectrum": random,
        },
    )


def _difference(newer: CheckpointFiles, older: CheckpointFiles, name: str) -> tuple[Tensor, Tensor]:
    """Return d and the base's matrix, both fp32."""
    d = newer.read(name).to(torch.float32)
    before = older.read(name).to(torch.float32)
    d -= before
    if not torch.isfinite(d).all():
        raise DamagedInput(
            f"{name}: aligned - base is not finite; {newer.folder} or {older.folder} is damaged"
        )
    return d, before


def _check_zeros(zeros: Sequence[str], matrices: int, policy: ZeroPolicy) -> None:
    if len(zeros) == matrices:
        raise StudyError(
            f"aligned and base are equal in all {matrices} matrices: there is no direction; "
            "check that the pair names two different checkpoints"
        )
    if zeros and policy == "refuse":
        raise StudyError(
            f"aligned and base are equal in {len(zeros)} of {matrices} matrices: "
            f"{', '.join(zeros)}; take them out of the targets, or set zero to 'free' (no penalty "
            "there) or 'shrink' (a ridge penalty there)"
        )


def _spectrum_rows(name: str, d: Tensor, norm_base: float, top: int) -> list[dict[str, object]]:
    norm = frobenius_norm(d)
    values = singular_values(d, top).tolist()
    layer = re.search(r"\.(\d+)\.", name)
    shared: dict[str, object] = {
        "matrix": name,
        "module": name.removesuffix(".weight").rsplit(".", 1)[-1],
        "layer": int(layer.group(1)) if layer else None,
        "rows": d.shape[0],
        "cols": d.shape[1],
        "norm_d": norm,
        "norm_base": norm_base,
    }
    return [
        {
            **shared,
            "k": index,
            "singular_value": value,
            "eigenvalue": value**2 / norm if norm else None,
            "energy_share": (value / norm) ** 2 if norm else None,
        }
        for index, value in enumerate(values, start=1)
    ]
