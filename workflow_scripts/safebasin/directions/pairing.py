"""Pair the matrices of two checkpoints by name."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from safebasin.errors import DamagedInput, StudyError
from safebasin.models.checkpoint_files import CheckpointFiles
from safebasin.models.folder import read_settings
from safebasin.models.tensor_files import FLOATS

_SHOWN = 5
_HEADS = ("num_attention_heads", "num_key_value_heads", "head_dim", "n_head", "num_kv_heads")
"""What configs call the parts that matrices of attention are cut into."""
_EXPERT = re.compile(r"\.experts\.\d+\.")


def matching_matrices(
    aligned: CheckpointFiles, base: CheckpointFiles, targets: Sequence[str]
) -> dict[str, tuple[int, int]]:
    """Return name to (d_out, d_in) of every targeted matrix, sorted by name.

    Only weights of two dimensions count: a bias has no left singular vectors. Nothing is paired
    by position, which a bias or a missing layer would shift unseen.

    Raises:
        StudyError: a target matches nothing or is no module name, a matrix is in one checkpoint
            only, or two shapes differ; the first such tensor is named with what was seen.
        DamagedInput: a matrix is not stored in floating point (a quantised checkpoint).
    """
    _check_targets(targets)
    wanted = {
        role: {name for name in files.names() if _target_of(name, targets)}
        for role, files in (("aligned", aligned), ("base", base))
    }
    _check_names(wanted["aligned"], wanted["base"])
    _check_heads(aligned, base)
    for target in targets:
        _check_found(aligned, target, sorted(n for n in wanted["aligned"] if _names(target, n)))
    return {name: _shape(aligned, base, name) for name in sorted(wanted["aligned"])}


def _target_of(name: str, targets: Sequence[str]) -> str | None:
    return next((target for target in targets if _names(target, name)), None)


def _names(target: str, name: str) -> bool:
    return f".{name}".endswith(f".{target}.weight")


def _check_found(files: CheckpointFiles, target: str, named: Sequence[str]) -> None:
    """Raise where a target names no matrix, or those of experts."""
    if not named:
        known = _module_names(files)
        near = difflib.get_close_matches(target, known, n=1, cutoff=0.85)
        hint = f": did you mean {near[0]!r}?" if near else ""
        raise StudyError(
            f"target {target!r} matches no matrix of {files.folder}; it has "
            f"{', '.join(known)}{hint} (an output layer that is tied to the embeddings has no "
            "matrix of its own, and no direction)"
        )
    if experts := [name for name in named if _EXPERT.search(name)]:
        raise StudyError(
            f"target {target!r} names {len(experts)} matrices of experts ({experts[0]} is the "
            "first), which a model holds as one tensor and an adapter does not reach: name layers "
            "of attention alone"
        )


def _module_names(files: CheckpointFiles) -> list[str]:
    """Return the short names of modules that have a matrix, each once."""
    names = [name.removesuffix(".weight") for name in files.names() if name.endswith(".weight")]
    matrices = [name for name in names if len(files.stored(f"{name}.weight").shape) == 2]
    return sorted({name.rsplit(".", 1)[-1] for name in matrices})


def _check_targets(targets: Sequence[str]) -> None:
    if not targets:
        raise StudyError("targets is empty; module names such as q_proj are needed")
    for target in targets:
        if target.endswith((".bias", ".weight")) or target in ("bias", "weight"):
            raise StudyError(
                f"target {target!r} names a tensor; a module name such as q_proj is right, and "
                "only matrices have a direction, biases have none"
            )
    if len(set(targets)) != len(targets):
        raise StudyError(f"targets {', '.join(targets)}: each may stand only once")


def _check_names(aligned: set[str], base: set[str]) -> None:
    for present, absent, names in (
        ("aligned", "base", sorted(aligned - base)),
        ("base", "aligned", sorted(base - aligned)),
    ):
        if names:
            more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
            raise StudyError(
                f"{len(names)} matrices are in {present} but not in {absent}: "
                f"{', '.join(names[:_SHOWN])}{more}; a pair has one architecture"
            )


def _check_heads(aligned: CheckpointFiles, base: CheckpointFiles) -> None:
    """Raise where matrices of one shape are cut into other heads: rows at one place differ then."""
    paths = [files.folder / "config.json" for files in (aligned, base)]
    told, other = (read_settings(path) if path.exists() else {} for path in paths)
    for key in _HEADS:
        seen, needed = told.get(key), other.get(key)
        if seen is not None and needed is not None and seen != needed:
            raise StudyError(
                f"{key} is {seen} in aligned and {needed} in base; a pair has one architecture"
            )


def _shape(aligned: CheckpointFiles, base: CheckpointFiles, name: str) -> tuple[int, int]:
    seen, other = aligned.stored(name), base.stored(name)
    if seen.shape != other.shape:
        raise StudyError(
            f"{name} is {seen.shape} in aligned and {other.shape} in base; a pair has one "
            "architecture"
        )
    for role, stored in (("aligned", seen), ("base", other)):
        if stored.dtype not in FLOATS:
            raise DamagedInput(
                f"{name} is stored as {stored.dtype} in {role}; one of {', '.join(FLOATS)} is "
                "right: give the checkpoint before it was quantised"
            )
    if len(seen.shape) != 2:
        raise StudyError(f"{name} has shape {seen.shape}; a direction needs a matrix")
    return seen.shape[0], seen.shape[1]
