"""Names of linear layers that a study targets, against the model that they are to be found in."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from safebasin.errors import StudyError
from safebasin.models.skeleton import config_in, skeleton

_SHOWN = 4
_ALIKE = 0.85
"""How much alike a name must be to be meant: q_prj is like q_proj, and up_proj is not."""


def names_it(target: str, module: str) -> bool:
    """Return whether a target such as ``q_proj`` or ``self_attn.q_proj`` names a module."""
    return f".{module}".endswith(f".{target}")


def linear_layers(model: Any) -> list[str]:
    """Return the full names of a model's linear layers, in its order."""
    import torch

    return [name for name, module in model.named_modules() if isinstance(module, torch.nn.Linear)]


def layer_of(name: str) -> int | None:
    """Return the number of the layer that a module or tensor lies in, None outside of them."""
    return next((int(part) for part in name.split(".") if part.isdecimal()), None)


def check_targets(model: Any, targets: Sequence[str], key: str) -> None:
    """Raise where a target does not name one linear layer in each layer of the model.

    Args:
        model: With or without weights.
        targets: Names of modules.
        key: What to call them in a message.

    Raises:
        StudyError: all that is wrong with them.
    """
    if wrong := wrong_targets(model, targets):
        raise StudyError("; ".join(f"{key}: {each}" for each in wrong))


def check_targets_of(folder: Path, targets: Sequence[str], key: str) -> None:
    """Raise where a target does not fit the checkpoint in ``folder``; its weights are not read.

    Raises:
        StudyError: all that is wrong with them.
        DamagedInput: the checkpoint's config does not load.
    """
    check_targets(skeleton(config_in(folder)), targets, key)


def wrong_targets(model: Any, targets: Sequence[str]) -> list[str]:
    """Return one sentence for each target that does not fit the model."""
    kind, linear = type(model).__name__, linear_layers(model)
    depth = int(model.config.num_hidden_layers)
    found = []
    for target in targets:
        named = [name for name in linear if names_it(target, name)]
        layers = {layer for name in named if (layer := layer_of(name)) is not None}
        if not named:
            found.append(_unknown(target, kind, linear) + _of_experts(model, target))
        elif fused := _fused(model, target):
            found.append(
                f"{target} also means {_listed(fused)}, which {kind} holds as one tensor for all "
                "experts, and an adapter does not reach them: name layers of attention alone"
            )
        elif layers and len(layers) < depth:
            found.append(
                f"{target} names a linear layer in {len(layers)} of the {depth} layers of {kind} "
                f"(the first without one is {min(set(range(depth)) - layers)}): name what every "
                "layer has"
            )
    return found


def _unknown(target: str, kind: str, linear: Sequence[str]) -> str:
    short = list(dict.fromkeys(name.rsplit(".", 1)[-1] for name in linear))
    near = difflib.get_close_matches(target.rsplit(".", 1)[-1], short, n=1, cutoff=_ALIKE)
    return (
        f"{target!r} names no linear layer of {kind}; it has {', '.join(short) or 'none'}"
        f"{f': did you mean {near[0]!r}?' if near else ''}"
    )


def _of_experts(model: Any, target: str) -> str:
    fused = _fused(model, target)
    return f" ({_listed(fused)} hold all experts in one tensor each)" if fused else ""


def _fused(model: Any, target: str) -> list[str]:
    """Return tensors of more than two dimensions that hold what the target means, as
    ``experts.gate_up_proj`` holds every expert's ``gate_proj``.
    """
    within, _, last = target.rpartition(".")
    wanted = _words(last)
    found = []
    for name, weight in model.named_parameters():
        inside, _, own = name.removesuffix(".weight").rpartition(".")
        fits = wanted and wanted <= _words(own) and (not within or names_it(within, inside))
        if weight.ndim > 2 and fits:
            found.append(name)
    return found


def _words(name: str) -> set[str]:
    return set(name.split("_")) - {"proj"}


def _listed(names: Iterable[str]) -> str:
    every = list(names)
    more = f" and {len(every) - _SHOWN} more" if len(every) > _SHOWN else ""
    return f"{', '.join(every[:_SHOWN])}{more}"
