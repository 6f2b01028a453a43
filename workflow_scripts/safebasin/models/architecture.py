"""Whether an architecture is one that this project computes rightly, told from its config alone.

There is no list of names: a small random model of the very make is tried (``models.trial``), so
that one which packing or caching breaks is refused, whatever it is called. ``docs/models.md`` says
what was tried.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from safebasin.errors import DamagedInput
from safebasin.models.skeleton import config_in, skeleton

_OTHER_PARTS = ("vision", "audio", "image", "speech", "encoder", "decoder")
_LARGEST_TRIED = 2_000_000_000
"""Numbers in the small model; more would take too much memory."""
_ACROSS = (
    "its layers hold their matrices as (in, out) (Conv1D), so that a direction would be taken "
    "across"
)


def check_architecture(folder: Path) -> None:
    """Raise where a checkpoint's architecture is not supported, before anything is made of it.

    Raises:
        DamagedInput: transformers does not know it, or it is not supported; the message says why.
    """
    config = config_in(folder)
    if why := why_unsupported(config):
        raise DamagedInput(f"{folder}/config.json: {refusal(config, why)}")


def refusal(config: Any, why: str) -> str:
    """Return the message about a model that is not supported."""
    return (
        f"models of type {config.model_type} are not supported: {why}. A decoder with full or "
        "sliding attention in every layer is right (docs/models.md)"
    )


def why_unsupported(config: Any) -> str | None:
    """Return why a model of this config would be computed wrongly, or None where it would not."""
    if why := _other_kind(config):
        return why
    why = None
    for boldly in (True, False):
        why, tried = _try_small(config, boldly=boldly)
        if tried:
            return why
    return why


def _other_kind(config: Any) -> str | None:
    """Return why it is no plain decoder, which its config says."""
    if config.is_encoder_decoder:
        return "it has an encoder beside the decoder"
    parts = [name for name in config.sub_configs if name.startswith(_OTHER_PARTS)]
    if parts or config.get_text_config(decoder=True) is not config:
        named = ", ".join(sorted(parts)) or "a config within the config"
        return (
            f"it wraps a language model among other parts ({named}), which targets and windows "
            "would miss or hit; take the language model's own checkpoint"
        )
    if not isinstance(getattr(config, "num_hidden_layers", None), int):
        return "its config does not say how many layers it has (num_hidden_layers)"
    return _other_memory(config)


def _other_memory(config: Any) -> str | None:
    """Return why its layers' memory is none that rows can be told apart in."""
    from transformers import DynamicCache
    from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

    try:
        layers = DynamicCache(config=config).layers
    except Exception as error:
        return f"no cache can be made for it ({type(error).__name__}: {error})"
    kinds = {type(layer).__name__ for layer in layers}
    odd = kinds - {DynamicLayer.__name__, DynamicSlidingWindowLayer.__name__}
    if not odd:
        return None
    told = sorted(set(getattr(config, "layer_types", None) or odd))
    return (
        f"its layers are of the kinds {', '.join(map(str, told))}, and some keep another memory "
        "than keys and values of attention, which packed and padded rows would share"
    )


def _try_small(config: Any, *, boldly: bool) -> tuple[str | None, bool]:
    """Return what is wrong with a small model of the make, and whether it could be tried."""
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.pytorch_utils import Conv1D

    from safebasin.models.shrunken import shrunken
    from safebasin.models.trial import fault_of

    try:
        small = shrunken(config, boldly=boldly)
        bare = skeleton(small)
        if any(isinstance(module, Conv1D) for module in bare.modules()):
            return _ACROSS, True
        if sum(weight.numel() for weight in bare.parameters()) > _LARGEST_TRIED:
            raise ValueError("it is too large even with few layers")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            make: Any = AutoModelForCausalLM.from_config
            model = make(small, dtype=torch.float32)
        return fault_of(model.eval().requires_grad_(False)), True
    except Exception as error:  # each make fails in its own way
        text = str(error).strip().split("\n")[0][:200]
        return f"it could not be tried on a small model ({type(error).__name__}: {text})", False
