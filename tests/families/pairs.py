"""A tiny random pair of each family of models, as a hub would have it.

The aligned model is the base's with noise. Weights are large enough for every prompt to have an
answer of its own, and windows are shorter than most prompts.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safebasin.models.device import seeded
from safebasin.models.tiny import train_tokenizer

VOCABULARY, WINDOW = 320, 16
SLIDING, FULL = "sliding_attention", "full_attention"
LLAMA = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
ATTENTION = LLAMA[:4]
NEOX = ("query_key_value", "dense", "dense_h_to_4h", "dense_4h_to_h")
ENDS = {"bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 2}
_GAIN = 1.5
_NOISE = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One make of model, small."""

    kind: str
    """What ``config.json`` calls it."""
    targets: tuple[str, ...] = LLAMA
    own: dict[str, Any] = field(default_factory=dict)
    """Settings of its own."""
    stored: tuple[str, str] = ("float32", "float32")
    """Types that base and aligned are stored in."""
    shard: str | None = None
    window: bool = False
    """Whether some layers look back a few tokens only."""

    def config(self) -> Any:
        from transformers import AutoConfig

        return AutoConfig.for_model(self.kind, **{**_sizes(), **copy.deepcopy(self.own)})


def _sizes() -> dict[str, Any]:
    return {
        "vocab_size": VOCABULARY,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 2048,
        **ENDS,
    }


def _windows(*kinds: str) -> dict[str, Any]:
    return {"sliding_window": WINDOW, "layer_types": list(kinds), "num_hidden_layers": len(kinds)}


_GEMMA = {"head_dim": 16, "query_pre_attn_scalar": 16}
_EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 24}
_BF16 = ("bfloat16", "bfloat16")
FAMILIES: dict[str, Family] = {
    "Llama": Family(kind="llama", shard="30KB", own={"tie_word_embeddings": False}),
    "Mistral": Family(
        kind="mistral",
        stored=("float16", "float16"),
        window=True,
        own={"sliding_window": WINDOW, "head_dim": 8},
    ),
    "Qwen2": Family(
        kind="qwen2", stored=_BF16, own={"tie_word_embeddings": True, "num_key_value_heads": 1}
    ),
    "Qwen3": Family(kind="qwen3", own={"head_dim": 16, "tie_word_embeddings": True}),
    "Gemma": Family(kind="gemma", own={"head_dim": 16}),
    "Gemma 2": Family(
        kind="gemma2", window=True, own={**_GEMMA, **_windows(SLIDING, FULL, SLIDING, FULL)}
    ),
    "Gemma 3 (text)": Family(
        kind="gemma3_text", window=True, own={**_GEMMA, **_windows(SLIDING, SLIDING, FULL, SLIDING)}
    ),
    "Phi": Family(kind="phi", targets=("q_proj", "k_proj", "v_proj", "dense", "fc1", "fc2")),
    "Phi-3": Family(
        kind="phi3",
        targets=("qkv_proj", "o_proj", "gate_up_proj", "down_proj"),
        window=True,
        own={"sliding_window": WINDOW},
    ),
    "OLMo": Family(kind="olmo"),
    "OLMo 2": Family(kind="olmo2", stored=("float32", "bfloat16")),
    "OLMo 3": Family(kind="olmo3", window=True, own=_windows(SLIDING, SLIDING, FULL)),
    "Granite": Family(
        kind="granite",
        shard="20KB",
        own={
            "embedding_multiplier": 6.0,
            "logits_scaling": 4.0,
            "residual_multiplier": 0.5,
            "attention_multiplier": 0.1,
            "tie_word_embeddings": True,
        },
    ),
    "StableLM": Family(kind="stablelm", own={"use_qkv_bias": True, "partial_rotary_factor": 0.5}),
    "Cohere": Family(kind="cohere", own={"logit_scale": 0.25, "use_qk_norm": True}),
    "Cohere 2": Family(
        kind="cohere2", window=True, own={"logit_scale": 0.25, **_windows(SLIDING, SLIDING, FULL)}
    ),
    "SmolLM3": Family(kind="smollm3", own={"num_hidden_layers": 4, "no_rope_layer_interval": 2}),
    "GLM-4": Family(
        kind="glm4", targets=(*ATTENTION, "gate_up_proj", "down_proj"), own={"head_dim": 8}
    ),
    "EXAONE 4": Family(
        kind="exaone4", window=True, own={**_windows(SLIDING, FULL), "sliding_window_pattern": 2}
    ),
    "MiniCPM3": Family(
        kind="minicpm3",
        targets=("q_a_proj", "q_b_proj", "kv_b_proj", "o_proj", "up_proj"),
        own={
            "q_lora_rank": 16,
            "kv_lora_rank": 16,
            "qk_nope_head_dim": 8,
            "qk_rope_head_dim": 8,
            "v_head_dim": 8,
            "num_key_value_heads": 4,
        },
    ),
    "StarCoder2": Family(
        kind="starcoder2", targets=(*ATTENTION, "c_fc", "c_proj"), own={"sliding_window": None}
    ),
    "Nemotron": Family(
        kind="nemotron", targets=(*ATTENTION, "up_proj", "down_proj"), own={"head_dim": 8}
    ),
    "Helium": Family(kind="helium", own={"head_dim": 8}),
    "ERNIE 4.5": Family(kind="ernie4_5", own={"head_dim": 8}),
    "Seed-OSS": Family(kind="seed_oss", own={"head_dim": 8}),
    "Apertus": Family(kind="apertus", targets=(*ATTENTION, "up_proj", "down_proj")),
    "GPT-NeoX": Family(kind="gpt_neox", targets=NEOX, own={"rotary_pct": 0.5}),
    "GPT-J": Family(
        kind="gptj",
        targets=("q_proj", "k_proj", "v_proj", "out_proj", "fc_in", "fc_out"),
        own={"n_embd": 32, "n_layer": 2, "n_head": 4, "rotary_dim": 4, "n_positions": 2048},
    ),
    "GPT BigCode": Family(
        kind="gpt_bigcode",
        targets=("c_attn", "c_proj", "c_fc"),
        own={"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 2048},
    ),
    "OPT": Family(
        kind="opt",
        targets=("q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2"),
        own={"ffn_dim": 48, "word_embed_proj_dim": 32},
    ),
    "Falcon": Family(
        kind="falcon", targets=NEOX, own={"new_decoder_architecture": True, "num_kv_heads": 2}
    ),
    "Mixtral": Family(
        kind="mixtral",
        targets=ATTENTION,
        own={"num_local_experts": 4, "num_experts_per_tok": 2, "sliding_window": None},
    ),
    "Qwen2-MoE": Family(
        kind="qwen2_moe",
        targets=ATTENTION,
        own={**_EXPERTS, "shared_expert_intermediate_size": 24},
    ),
    "Qwen3-MoE": Family(
        kind="qwen3_moe", targets=ATTENTION, own={**_EXPERTS, "head_dim": 8, "mlp_only_layers": [0]}
    ),
    "OLMoE": Family(
        kind="olmoe", targets=ATTENTION, own={"num_experts": 4, "num_experts_per_tok": 2}
    ),
    "GPT-OSS": Family(
        kind="gpt_oss",
        targets=ATTENTION,
        window=True,
        own={
            "head_dim": 8,
            "num_local_experts": 4,
            "num_experts_per_tok": 2,
            **_windows(SLIDING, FULL),
        },
    ),
    "DeepSeek-V3": Family(
        kind="deepseek_v3",
        targets=("q_a_proj", "q_b_proj", "kv_b_proj", "o_proj"),
        own={
            "num_key_value_heads": 4,
            "q_lora_rank": 16,
            "kv_lora_rank": 16,
            "qk_rope_head_dim": 8,
            "qk_nope_head_dim": 8,
            "v_head_dim": 12,
            "first_k_dense_replace": 1,
            "n_routed_experts": 4,
            "n_group": 1,
            "topk_group": 1,
            "num_experts_per_tok": 2,
            "n_shared_experts": 1,
            "moe_intermediate_size": 24,
        },
    ),
}
"""Name in ``docs/models.md`` to the family."""
FIRST = ("Llama", "Gemma 3 (text)", "Falcon")
"""Those that every run of the tests tries: plain, with windows, and of other names."""


def write_pair(family: Family, home: Path) -> tuple[Path, Path]:
    """Write ``base`` and ``chat`` below ``home`` as their makers would, and return the folders."""
    from transformers import AutoModelForCausalLM

    base, chat = home / "base", home / "chat"
    with seeded(1):
        model = AutoModelForCausalLM.from_config(family.config(), dtype=torch.float32).eval()
    _draw(model, 1, lambda w: _GAIN / w.shape[-1] ** 0.5)
    first, second = family.stored
    _save(model, base, first, family.shard)
    model.to(getattr(torch, first)).float()
    _draw(model, 2, lambda w: _NOISE, add=True)
    _save(model, chat, second, family.shard)
    return base, chat


def _draw(model: Any, seed: int, size: Any, *, add: bool = False) -> None:
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for _, weight in sorted(model.named_parameters()):
            drawn = torch.randn(weight.shape, generator=draw)
            if weight.ndim > 1:
                weight.copy_(weight + drawn * size(weight) if add else drawn * size(weight))
            else:
                weight.add_(drawn * 0.05)  # norms and biases


def _save(model: Any, folder: Path, kind: str, shard: str | None) -> None:
    twin = copy.deepcopy(model).to(getattr(torch, kind))
    twin.generation_config.update(**ENDS)
    twin.save_pretrained(str(folder), **({"max_shard_size": shard} if shard else {}))
    train_tokenizer(VOCABULARY).save_pretrained(str(folder))
