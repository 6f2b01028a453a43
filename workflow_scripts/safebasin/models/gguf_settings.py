"""The settings of a GGUF file that change its numbers, against those of the config made of it.

transformers reads the settings that it has a name for and drops the others without a word: a
scaled RoPE, a factor on the logits.
"""

from __future__ import annotations

from math import isclose
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safebasin.errors import DamagedInput

if TYPE_CHECKING:
    from gguf import GGUFReader

_COMPARED = {
    "attention.layer_norm_rms_epsilon": ("rms_norm_eps",),
    "attention.layer_norm_epsilon": ("layer_norm_eps", "layer_norm_epsilon", "norm_eps"),
    "rope.freq_base": ("rope_theta",),
    "attention.sliding_window": ("sliding_window",),
    "attention.scale": ("attention_multiplier",),
    "attn_logit_softcapping": ("attn_logit_softcapping",),
    "final_logit_softcapping": ("final_logit_softcapping",),
    "embedding_scale": ("embedding_multiplier",),
    "residual_scale": ("residual_multiplier",),
    "logit_scale": ("logit_scale", "logits_scaling"),
    "expert_used_count": ("num_experts_per_tok",),
}
"""Setting after the architecture's name -> what transformers' configs call it."""
_NORMS = ("attention.layer_norm_rms_epsilon", "attention.layer_norm_epsilon")
_NEUTRAL = {
    "rope.scaling.type": ("none", ""),
    "rope.scaling.factor": (0.0, 1.0),
    "rope.scaling.attn_factor": (0.0, 1.0),
    "rope.scale_linear": (0.0, 1.0),
    "attention.clamp_kqv": (0.0,),
    "attention.max_alibi_bias": (0.0,),
    "attention.causal": (True,),
    "expert_weights_scale": (0.0, 1.0),
}
"""Settings that no config carries over -> the values that change nothing."""


def check_whole(file: Path, reader: GGUFReader) -> None:
    """Raise where the file is one of several that a model was split into.

    Raises:
        DamagedInput: it is.
    """
    count = reader.fields.get("split.count")
    if count is not None and (parts := int(count.contents())) > 1:
        raise DamagedInput(
            f"{file} is one of {parts} parts of a model; join them into one file "
            "(llama-gguf-split --merge) and give that"
        )


def check_settings(file: Path, reader: GGUFReader, config: Any) -> None:
    """Raise where a setting of the file did not reach the model's config.

    Raises:
        DamagedInput: it did not; the message names each with both values. Or the epsilon of its
            norms is missing.
    """
    arch = str(reader.fields["general.architecture"].contents())
    settings = {
        key.removeprefix(f"{arch}."): field.contents()
        for key, field in reader.fields.items()
        if key.startswith(f"{arch}.")
    }
    if not settings.keys() & set(_NORMS):
        raise DamagedInput(
            f"{file} does not say the epsilon of its norms ({' or '.join(_NORMS)}), and "
            "transformers would take one of its own; convert the checkpoint to GGUF again"
        )
    text = config.get_text_config()
    lost = []
    for key, names in _COMPARED.items():
        if key in settings and (seen := settings[key]) not in (0, None):
            made = _value(text, names)
            if made is None or not _equal(seen, made):
                lost.append(f"{key} = {seen!r} (the config has {made!r})")
    lost += [
        f"{key} = {settings[key]!r}"
        for key, neutral in _NEUTRAL.items()
        if key in settings and settings[key] not in neutral and not _is_scaled(text, key)
    ]
    if lost:
        raise DamagedInput(
            f"{file}: transformers does not take over {', '.join(lost)}, which changes what the "
            "model computes; give the checkpoint as safetensors"
        )


def _value(config: Any, names: tuple[str, ...]) -> Any:
    """Return the first of the settings that the config has; RoPE's base stands in a table."""
    rope = getattr(config, "rope_parameters", None) or {}
    for name in names:
        value = getattr(config, name, None)
        value = rope.get(name) if value is None and isinstance(rope, dict) else value
        if value is None and name == "rope_theta":
            bases = [each.get(name) for each in rope.values() if isinstance(each, dict)]
            value = bases[0] if bases else None
        if value is not None:
            return value
    return None


def _equal(seen: Any, made: Any) -> bool:
    numbers = isinstance(seen, int | float) and isinstance(made, int | float)
    return isclose(seen, made, rel_tol=1e-5) if numbers else bool(seen == made)


def _is_scaled(config: Any, key: str) -> bool:
    """Return whether the config has a scaled RoPE, so that its settings were read."""
    rope = getattr(config, "rope_parameters", None) or {}
    return key.startswith("rope.") and rope.get("rope_type", "default") != "default"
