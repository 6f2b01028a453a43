"""Which layers of a checkpoint PEFT would adapt by a config, with rank and scale: asked of PEFT.

The model is built without weights, so the answer costs seconds whatever the model's size.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safebasin.errors import DamagedInput, StudyError
from safebasin.models.adapter_config import CARRIED, CONFIG
from safebasin.models.skeleton import config_in, skeleton

if TYPE_CHECKING:
    from peft import LoraConfig
    from torch import nn

ADAPTER = "default"
"""How PEFT calls an adapter in the model that it is loaded into."""
_LONGEST_REASON = 300  # PEFT's messages may print a whole model


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptedModule:
    """A linear layer with an adapter on it."""

    rank: int
    scale: float
    shape: tuple[int, int]
    """(d_out, d_in)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptedModel:
    """What PEFT makes of a config on a checkpoint."""

    modules: Mapping[str, AdaptedModule]
    """By name in the model: ``model.layers.0.self_attn.q_proj``."""
    names: frozenset[str]
    """All modules of the model, adapted or not."""


def adapted_model(checkpoint: Path, config: Mapping[str, object]) -> AdaptedModel:
    """Return where an adapter of ``config`` sits on the checkpoint.

    Args:
        checkpoint: A checkpoint artifact; its ``config.json`` is read.
        config: A checked ``adapter_config.json``.

    Raises:
        DamagedInput: the checkpoint's config is broken, or PEFT cannot make the config.
        StudyError: PEFT finds no layer for it, or one that is no linear layer.
    """
    model = skeleton(config_in(checkpoint))
    names = frozenset(name for name, _ in model.named_modules())
    layers = _adapt(model, _lora_config(config))
    if odd := [f"{name} ({_kind(layer)})" for name, layer in layers if _is_odd(layer)]:
        raise StudyError(
            f"{CONFIG}: the adapter sits on layers that are no linear ones: {', '.join(odd[:5])}; "
            "merge it into its base with PEFT's merge_and_unload and give the result as a "
            "checkpoint"
        )
    return AdaptedModel(modules={name: _described(layer) for name, layer in layers}, names=names)


def _lora_config(config: Mapping[str, object]) -> LoraConfig:
    from peft import LoraConfig

    given: dict[str, Any] = {key: value for key, value in config.items() if key in CARRIED}
    given |= {"peft_type": "LORA", "task_type": "CAUSAL_LM", "init_lora_weights": True}
    given |= {key: given.get(key) or {} for key in ("rank_pattern", "alpha_pattern")}
    try:
        return LoraConfig(**given)
    except (TypeError, ValueError) as error:
        raise DamagedInput(f"{CONFIG}: PEFT refuses it: {_short(error)}") from error


def _adapt(model: Any, config: LoraConfig) -> list[tuple[str, nn.Module]]:
    import re

    from peft import get_peft_model
    from peft.tuners.lora import LoraLayer

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what they say of tied weights is dealt with
            adapted = get_peft_model(model, config, low_cpu_mem_usage=True)
    except (ValueError, TypeError, AttributeError, NotImplementedError, re.error) as error:
        raise StudyError(
            f"{CONFIG}: PEFT cannot put the adapter on this checkpoint: {_short(error)}"
        ) from error
    inner = adapted.get_base_model()
    return [(name, m) for name, m in inner.named_modules() if isinstance(m, LoraLayer)]


def _is_odd(layer: Any) -> bool:
    """Return whether the adapter is not B A on a matrix that the layer multiplies with."""
    import torch
    from peft.tuners.lora.layer import Linear
    from torch.nn.modules.linear import NonDynamicallyQuantizableLinear

    base = layer.get_base_layer()
    # The attention of torch.nn reads the weight of such a layer and never calls it.
    uncalled = isinstance(base, NonDynamicallyQuantizableLinear)
    return type(layer) is not Linear or not isinstance(base, torch.nn.Linear) or uncalled


def _kind(layer: Any) -> str:
    return type(layer.get_base_layer()).__name__


def _described(layer: Any) -> AdaptedModule:
    rows, columns = layer.get_base_layer().weight.shape
    return AdaptedModule(rank=layer.r[ADAPTER], scale=layer.scaling[ADAPTER], shape=(rows, columns))


def _short(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= _LONGEST_REASON else f"{text[:_LONGEST_REASON]} …"
