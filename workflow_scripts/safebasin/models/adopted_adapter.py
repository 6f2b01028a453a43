"""Take in somebody's PEFT adapter: the same numbers, in the one form that this store holds.

What is measured must be the model that PEFT loads, so PEFT itself is asked which layers the config
adapts and how. Where the file holds anything else than the factors of these layers, PEFT would
leave some at random or drop some unseen: here that is an error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isclose
from pathlib import Path
from typing import TYPE_CHECKING

from safebasin.errors import DamagedInput, StudyError
from safebasin.models.adapted_modules import AdaptedModel, AdaptedModule, adapted_model
from safebasin.models.adapter_config import CONFIG, check_config, patterns_of, value_for
from safebasin.models.adapter_files import (
    canonical_config,
    open_tensors,
    rank_and_scale,
    read_config,
    tensor_name,
    write_adapter,
)
from safebasin.models.adapter_keys import check_keys
from safebasin.models.tensor_files import FLOATS, TensorFile
from safebasin.progress import SILENT, Progress

if TYPE_CHECKING:
    from torch import Tensor

_SHOWN = 5


def adopt_adapter(
    source: Path, checkpoint: Path, folder: Path, base: str, progress: Progress = SILENT
) -> None:
    """Write the adapter that lies in ``source`` into ``folder``.

    The config written names every adapted module in full, with rank and alpha where they are not
    the default, so that no rule of matching is needed to read it.

    Args:
        source: A folder with one PEFT adapter in it, at any depth.
        checkpoint: Folder of the checkpoint that it is for.
        folder: Gets ``adapter_config.json`` and ``adapter_model.safetensors``.
        base: How the config names the checkpoint: ``checkpoint/<digest>``.
        progress: Is told what cannot be checked.

    Raises:
        DamagedInput: there is none or more than one adapter, it is pickled, broken, or no plain
            LoRA, or it changes nothing.
        StudyError: it does not fit the checkpoint; the matrices that do not are named.
    """
    home = _only_adapter(source)
    config = read_config(home)
    check_config(config, str(home / CONFIG))
    file = open_tensors(home)
    model = adapted_model(checkpoint, config)
    check_keys(file, model)
    _check_shapes(file, model.modules)
    _check_scales(config, model)
    tensors = _read_factors(file)
    _check_effect(file.path, tensors, model.modules, progress)
    _tell_of_order(home / CONFIG, config, sorted(model.modules), progress)
    progress.note(
        f"{home / CONFIG} names {config.get('base_model_name_or_path')!r} as its base; that the "
        "checkpoint holds the same weights cannot be told from an adapter, only that it fits"
    )
    targets = {"base_model_name_or_path": base, "target_modules": sorted(model.modules)}
    write_adapter(folder, {**canonical_config(config), **targets}, tensors)


def _only_adapter(source: Path) -> Path:
    homes = sorted(path.parent for path in source.rglob(CONFIG))
    if len(homes) != 1:
        places = ", ".join(str(home.relative_to(source)) for home in homes) or "none"
        raise DamagedInput(
            f"{source} must hold one {CONFIG}; found in: {places} (a source's `files` names those "
            "that are taken)"
        )
    return homes[0]


def _check_shapes(file: TensorFile, modules: Mapping[str, AdaptedModule]) -> None:
    damaged, foreign = [], []
    for name, module in modules.items():
        a, b = (file.tensors[tensor_name(name, factor)].shape for factor in "AB")
        rows, columns = module.shape
        if (a, b) == ((module.rank, columns), (rows, module.rank)):
            continue
        if (a, b) == ((columns, module.rank), (module.rank, rows)):
            damaged.append(f"{name}: A {a} and B {b} are transposed; A (r, d_in) is right")
        elif len(a) != 2 or len(b) != 2 or a[0] != b[1]:
            damaged.append(f"{name}: A {a}, B {b} do not chain")
        elif (b[0], a[1]) != module.shape:
            seen = f"{module.shape} in the checkpoint, {(b[0], a[1])} in the adapter"
            foreign.append(f"{name}.weight is {seen}")
        else:
            damaged.append(f"{name} has rank {a[0]}; {CONFIG} says {module.rank}")
    if damaged:
        raise DamagedInput(f"{file.path}: {_some(damaged)}")
    if foreign:
        raise StudyError(f"the adapter does not fit: {_some(foreign)}")


def _check_scales(config: Mapping[str, object], model: AdaptedModel) -> None:
    """Hold our reading of ranks and alphas against PEFT's: both read the same patterns."""
    for name, module in model.modules.items():
        rank, scale = rank_and_scale(name, config)
        if rank != module.rank or not isclose(scale, module.scale, rel_tol=1e-12):
            raise DamagedInput(
                f"{CONFIG}: {name} has rank {module.rank} and scale {module.scale} in PEFT, "
                f"{rank} and {scale} by its patterns; write them out for each module"
            )


def _tell_of_order(
    path: Path, config: Mapping[str, object], modules: Sequence[str], progress: Progress
) -> None:
    """Say where a module's alpha hangs on the order of patterns, which PEFT sorts when it saves."""
    patterns = patterns_of(config, "alpha_pattern")
    backwards = dict(reversed(patterns.items()))
    torn = [m for m in modules if value_for(m, patterns, None) != value_for(m, backwards, None)]
    if torn:
        progress.note(
            f"{path}: several of alpha_pattern fit {_some(torn)}: the first in the file is taken, "
            "as PEFT does, but PEFT sorts them when it saves; see that the adapter was not trained "
            "with another order"
        )


def _read_factors(file: TensorFile) -> dict[str, Tensor]:
    import torch

    tensors = {}
    for key in sorted(file.tensors):
        kind = file.tensors[key].dtype
        if kind not in FLOATS:
            raise DamagedInput(
                f"{file.path}: {key} is stored as {kind}; one of {', '.join(FLOATS)} is right"
            )
        tensors[key] = file.read(key)
        if not torch.isfinite(tensors[key].float()).all():
            raise DamagedInput(f"{file.path}: {key} holds values that are no finite numbers")
    return tensors


def _check_effect(
    path: Path,
    tensors: Mapping[str, Tensor],
    modules: Mapping[str, AdaptedModule],
    progress: Progress,
) -> None:
    idle = [
        name
        for name, module in modules.items()
        if not module.scale or not all(tensors[tensor_name(name, f)].any() for f in "AB")
    ]
    if len(idle) == len(modules):
        raise DamagedInput(
            f"{path}: the adapter changes nothing: A, B or the scale is 0 in each of its "
            f"{len(modules)} modules. Save it after training; the base itself is measured without "
            "an adapter"
        )
    if idle:
        progress.note(f"{path}: {len(idle)} of {len(modules)} modules are unchanged: {_some(idle)}")


def _some(items: Sequence[str]) -> str:
    more = f" (and {len(items) - _SHOWN} more)" if len(items) > _SHOWN else ""
    return f"{'; '.join(items[:_SHOWN])}{more}"
