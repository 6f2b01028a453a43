"""Rows beyond what a model counts are refused, where they would be wrong or end in an error."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from safebasin.errors import StudyError
from safebasin.models.positions import farthest_place, guard_positions
from transformers import AutoConfig, AutoModelForCausalLM

SIZE = {
    "vocab_size": 60,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 24,
    "pad_token_id": 2,
}
LONGROPE = {"type": "longrope", "short_factor": [1.0] * 4, "long_factor": [4.0] * 4}
BOUNDED: dict[str, tuple[str, dict[str, Any], int]] = {
    "a table of places": ("opt", {"ffn_dim": 48, "word_embed_proj_dim": 32}, 24),
    "another table": ("gpt_bigcode", {}, 24),
    "a table of turns": ("gptj", {"rotary_dim": 4}, 24),
    "turns by the longest row": (
        "llama",
        {"rope_scaling": {"type": "dynamic", "factor": 2.0}},
        24,
    ),
    "turns of two kinds": (
        "phi3",
        {"rope_scaling": LONGROPE, "original_max_position_embeddings": 12},
        12,
    ),
}
UNBOUNDED: dict[str, tuple[str, dict[str, Any]]] = {
    "plain": ("llama", {}),
    "linear": ("llama", {"rope_scaling": {"type": "linear", "factor": 2.0}}),
    "yarn": (
        "qwen2",
        {"rope_scaling": {"type": "yarn", "factor": 2.0, "original_max_position_embeddings": 12}},
    ),
    "by kind of layer": ("gemma3_text", {"head_dim": 8}),
    "neox": ("gpt_neox", {}),
}


def config_of(kind: str, own: dict[str, Any]) -> Any:
    return AutoConfig.for_model(kind, **{**SIZE, **own})


def read(model: Any, length: int, **named: Any) -> None:
    with torch.no_grad():
        model(input_ids=torch.arange(length)[None] + 3, **named)


@pytest.mark.parametrize("adapted", [False, True])
@pytest.mark.parametrize("case", BOUNDED)
def test_a_row_beyond_what_a_model_counts_is_refused(case: str, adapted: bool) -> None:
    kind, own, farthest = BOUNDED[case]
    model: Any = AutoModelForCausalLM.from_config(config_of(kind, own)).eval()
    guard_positions(model)
    if adapted:
        model = get_peft_model(model, LoraConfig(target_modules="all-linear", r=2))

    read(model, farthest)
    read(model, 2 * farthest, position_ids=torch.arange(2 * farthest)[None] % farthest)
    with pytest.raises(StudyError, match=f"{farthest + 1} tokens is longer than the {farthest}"):
        read(model, farthest + 1)
    with pytest.raises(StudyError, match=f"longer than the {farthest} "):
        read(model, 2, position_ids=torch.tensor([[0, farthest]]))


@pytest.mark.parametrize("case", UNBOUNDED)
def test_most_models_count_on(case: str) -> None:
    kind, own = UNBOUNDED[case]
    assert farthest_place(config_of(kind, own)) is None
