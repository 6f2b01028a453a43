"""Targets against what a model has: typos, other names, layers without them, fused experts."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from safebasin.errors import StudyError
from safebasin.models.skeleton import config_of, skeleton
from safebasin.models.targets import check_targets, linear_layers, wrong_targets

SMALL: dict[str, Any] = {
    "vocab_size": 64,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "pad_token_id": 0,
}
EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 24}


@cache
def model_of(kind: str) -> Any:
    own: dict[str, dict[str, Any]] = {
        "qwen3_moe": {**EXPERTS, "mlp_only_layers": [0]},
        "qwen2_moe": {**EXPERTS, "shared_expert_intermediate_size": 24},
    }
    return skeleton(config_of({"model_type": kind, **SMALL, **own.get(kind, {})}))


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        ("llama", "q_proj"),
        ("llama", "self_attn.q_proj"),
        ("llama", "mlp.down_proj"),
        ("llama", "lm_head"),
        ("phi3", "qkv_proj"),
        ("gpt_neox", "attention.dense"),
        ("qwen2_moe", "o_proj"),
        ("qwen2_moe", "shared_expert.up_proj"),
        ("qwen3_moe", "k_proj"),
    ],
)
def test_a_target_that_every_layer_has_is_right(kind: str, target: str) -> None:
    assert wrong_targets(model_of(kind), [target]) == []


@pytest.mark.parametrize(
    ("kind", "target", "said"),
    [
        (
            "llama",
            "q_prj",
            "'q_prj' names no linear layer of LlamaForCausalLM; it has q_proj, k_pr",
        ),
        ("llama", "q_prj", "did you mean 'q_proj'?"),
        ("llama", "mlp.q_proj", "names no linear layer"),
        ("llama", "proj", "names no linear layer"),
        ("llama", "embed_tokens", "names no linear layer"),
        ("llama", "q_proj.weight", "names no linear layer"),
        ("phi3", "q_proj", "it has o_proj, qkv_proj, gate_up_proj, down_proj, lm_head"),
        ("gpt_neox", "q_proj", "it has query_key_value, dense, "),
        ("qwen2_moe", "down_proj", "mlp.experts.down_proj"),
        ("qwen2_moe", "gate_proj", "also means model.layers.0.mlp.experts.gate_up_proj"),
        ("qwen3_moe", "up_proj", "one tensor for all experts"),
        ("qwen3_moe", "mlp.up_proj", "in 1 of the 3 layers"),
        ("mixtral", "w1", "names no linear layer of MixtralForCausalLM"),
        ("mixtral", "down_proj", "hold all experts in one tensor each"),
    ],
)
def test_any_other_is_told_with_what_the_model_has(kind: str, target: str, said: str) -> None:
    (wrong,) = wrong_targets(model_of(kind), [target])

    assert said in wrong


def test_everything_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(StudyError, match=r"lora.targets: 'q_prj' .*lora.targets: 'w9' "):
        check_targets(model_of("llama"), ["q_prj", "v_proj", "w9"], "lora.targets")


def test_a_skeleton_holds_no_data_whatever_its_size() -> None:
    large = skeleton(config_of({"model_type": "llama", "hidden_size": 8192}))

    assert {weight.device.type for weight in large.parameters()} == {"meta"}
    assert len(linear_layers(large)) == 32 * 7 + 1
