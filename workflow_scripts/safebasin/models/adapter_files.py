"""Read and write a LoRA adapter in PEFT's layout, in one canonical form.

PEFT's own writer puts the base model's local path, unsorted lists and a README into the folder;
the form here has none of them and PEFT loads it (tested).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from typing import TYPE_CHECKING

from safebasin.errors import DamagedInput
from safebasin.models.adapter_config import (
    CONFIG,
    check_config,
    exact_pattern,
    patterns_of,
    value_for,
)
from safebasin.models.checkpoint_files import refuse_pickles
from safebasin.models.tensor_files import TensorFile
from safebasin.store.canonical import Json
from safebasin.store.writers import write_json, write_safetensors

if TYPE_CHECKING:
    from torch import Tensor

TENSORS = "adapter_model.safetensors"
PREFIX = "base_model.model."
_FACTOR = re.compile(r"base_model\.model\.(?P<module>.+)\.lora_(?P<factor>[AB])\.weight")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPair:
    """The factors of one adapted matrix: W becomes W + scale * B A."""

    name: str
    """The matrix as the checkpoint names it: ``model.layers.0.self_attn.q_proj.weight``."""
    a: Tensor
    """(r, d_in), in the dtype it is stored in."""
    b: Tensor
    """(d_out, r)."""
    scale: float
    """s = alpha / r, or alpha / sqrt(r) for rank-stabilised LoRA."""


def tensor_name(matrix: str, factor: str) -> str:
    """Return PEFT's key of a factor (``A`` or ``B``) of the matrix named as in the checkpoint."""
    return f"{PREFIX}{matrix.removesuffix('.weight')}.lora_{factor}.weight"


def write_adapter(
    folder: Path, config: Mapping[str, object], tensors: Mapping[str, Tensor]
) -> None:
    """Write an adapter's two files, its config in canonical form.

    Args:
        folder: Gets ``adapter_config.json`` and ``adapter_model.safetensors``.
        config: PEFT's settings; at least ``r``, ``lora_alpha``, ``target_modules`` and
            ``base_model_name_or_path``, which names the base by digest.
        tensors: PEFT's key (see ``tensor_name``) to factor.

    Raises:
        DamagedInput: the settings ask for what plain LoRA does not do.
    """
    canonical = canonical_config(config)
    found = (_FACTOR.fullmatch(key) for key in tensors)
    modules = sorted({match["module"] for match in found if match})
    for key, default in (("rank_pattern", "r"), ("alpha_pattern", "lora_alpha")):
        canonical[key] = _exact(modules, patterns_of(config, key), canonical[default])
    write_json(folder / CONFIG, canonical)
    write_safetensors(folder / TENSORS, tensors)


def canonical_config(config: Mapping[str, object]) -> dict[str, Json]:
    """Return the settings that change what an adapter computes, with lists sorted.

    Patterns are kept in the order that they came in: it decides which of them is taken.

    Raises:
        DamagedInput: it is no LoRA config, or asks for what plain LoRA does not do.
    """
    check_config(config)
    targets = config.get("target_modules")
    if isinstance(targets, list | set | tuple | frozenset):
        targets = sorted(str(target) for target in targets)
    base = config.get("base_model_name_or_path")
    return {
        "base_model_name_or_path": base if isinstance(base, str) else None,
        "bias": "none",
        "fan_in_fan_out": False,
        "inference_mode": True,
        "lora_alpha": _number(config["lora_alpha"]),
        "lora_dropout": _number(config.get("lora_dropout", 0.0)),
        "peft_type": "LORA",
        "r": _number(config["r"]),
        "alpha_pattern": dict(patterns_of(config, "alpha_pattern")),
        "rank_pattern": dict(patterns_of(config, "rank_pattern")),
        "target_modules": targets if isinstance(targets, str | list) else None,
        "task_type": "CAUSAL_LM",
        "use_rslora": bool(config.get("use_rslora")),
    }


def read_config(folder: Path) -> dict[str, object]:
    """Return ``adapter_config.json`` as it is.

    Raises:
        DamagedInput: it is absent or no JSON object.
    """
    path = folder / CONFIG
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DamagedInput(f"{path} cannot be read: {error}") from error
    if not isinstance(config, dict):
        raise DamagedInput(f"{path} is a {type(config).__name__}; an object is right")
    return config


def open_tensors(folder: Path) -> TensorFile:
    """Return the adapter's tensors, unread.

    Raises:
        DamagedInput: they are missing, pickled, or in a broken file.
    """
    if not (folder / TENSORS).exists():
        refuse_pickles(folder, TENSORS)
    return TensorFile(folder / TENSORS)


def read_pairs(folder: Path) -> list[StoredPair]:
    """Return the adapter's pairs, sorted by name.

    Raises:
        DamagedInput: the weights are pickled or broken, a factor is missing or does not fit its
            partner, or there are tensors that are no LoRA factors.
    """
    config = canonical_config(read_config(folder))
    file = open_tensors(folder)
    modules: dict[str, dict[str, Tensor]] = {}
    for key in sorted(file.tensors):
        found = _FACTOR.fullmatch(key)
        if found is None:
            raise DamagedInput(f"{file.path}: {key} is no factor of a plain LoRA adapter")
        modules.setdefault(found["module"], {})[found["factor"]] = file.read(key)
    if not modules:
        raise DamagedInput(f"{file.path} holds no factors")
    return [_pair(file.path, name, factors, config) for name, factors in sorted(modules.items())]


def _pair(
    path: Path, module: str, factors: Mapping[str, Tensor], config: Mapping[str, Json]
) -> StoredPair:
    if factors.keys() != {"A", "B"}:
        raise DamagedInput(
            f"{path}: {module} has only lora_{'/'.join(factors)}; A and B are needed"
        )
    a, b = factors["A"], factors["B"]
    if a.ndim != 2 or b.ndim != 2 or a.shape[0] != b.shape[1]:
        raise DamagedInput(f"{path}: {module}: A {tuple(a.shape)}, B {tuple(b.shape)} do not chain")
    rank, scale = rank_and_scale(module, config)
    if rank != a.shape[0]:
        raise DamagedInput(f"{path}: {module} has rank {a.shape[0]}; {CONFIG} says {rank}")
    return StoredPair(name=f"{module}.weight", a=a, b=b, scale=scale)


def rank_and_scale(module: str, config: Mapping[str, object]) -> tuple[int, float]:
    """Return r and s of a module by a checked config."""
    rank = value_for(module, patterns_of(config, "rank_pattern"), _number(config["r"]))
    alpha = value_for(module, patterns_of(config, "alpha_pattern"), _number(config["lora_alpha"]))
    return int(rank), alpha / (sqrt(rank) if config.get("use_rslora") else rank)


def _exact(
    modules: Iterable[str], patterns: Mapping[str, int | float], default: Json
) -> dict[str, Json]:
    """Return the patterns with one entry for each module, so that no order matters any more."""
    values = {module: value_for(module, patterns, _number(default)) for module in modules}
    return {exact_pattern(name): value for name, value in values.items() if value != default}


def _number(value: object) -> int | float:
    assert isinstance(value, int | float)
    return value
