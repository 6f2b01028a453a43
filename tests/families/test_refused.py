"""Makes of model that are refused: by config alone, whatever they are called, and why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from safebasin.errors import DamagedInput
from safebasin.models.architecture import check_architecture, why_unsupported
from safebasin.models.convert import convert_checkpoint
from safebasin.models.tiny import train_tokenizer

from .pairs import FAMILIES, FIRST, FULL, VOCABULARY

SIZES: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "num_hidden_layers": 2,
    "head_dim": 16,
}
LINEAR = ["linear_attention", "linear_attention", "linear_attention", FULL]
STATE, PACKED, CACHE = "another memory", "rows packed", "from a cache"
WRAPS, ACROSS, ENCODER = "wraps a language model", r"Conv1D", "an encoder"
REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "LFM2": ("lfm2", {**SIZES, "layer_types": ["conv", FULL]}, STATE),
    "Qwen3.5": ("qwen3_5_text", {**SIZES, "num_hidden_layers": 4, "layer_types": LINEAR}, STATE),
    "Qwen3-Next": ("qwen3_next", {**SIZES, "num_hidden_layers": 4, "layer_types": LINEAR}, STATE),
    "Mamba": ("mamba", {"num_hidden_layers": 2, "hidden_size": 64}, STATE),
    "Mamba 2": ("mamba2", {"num_hidden_layers": 2}, STATE),
    "Falcon Mamba": ("falcon_mamba", {"num_hidden_layers": 2}, STATE),
    "Falcon-H1": ("falcon_h1", {}, STATE),
    "Jamba": ("jamba", {}, STATE),
    "Bamba": ("bamba", {}, STATE),
    "Zamba 2": ("zamba2", {}, STATE),
    "Granite 4 (hybrid)": ("granitemoehybrid", {}, STATE),
    "RecurrentGemma": ("recurrent_gemma", {"num_hidden_layers": 3}, STATE),
    "Kimi Linear": ("kimi_linear", {}, STATE),
    "MiniMax-01": ("minimax", {}, STATE),
    "OLMo hybrid": ("olmo_hybrid", {}, STATE),
    "DeepSeek-V3.2": ("deepseek_v32", {}, STATE),
    "RWKV": (
        "rwkv",
        {"vocab_size": VOCABULARY, "hidden_size": 32, "num_hidden_layers": 2, "context_length": 32},
        PACKED,
    ),
    "BLOOM": ("bloom", {"hidden_size": 64, "n_layer": 2, "n_head": 4}, PACKED),
    "MPT": ("mpt", {"d_model": 64, "n_heads": 4, "n_layers": 2}, PACKED),
    "Falcon with alibi": (
        "falcon",
        {"hidden_size": 64, "num_attention_heads": 4, "num_hidden_layers": 2, "alibi": True},
        PACKED,
    ),
    "GPT-Neo": ("gpt_neo", {}, PACKED),
    "Doge": ("doge", {}, CACHE),
    "BERT": ("bert", {}, PACKED),
    "GPT-2": ("gpt2", {}, ACROSS),
    "GPT": ("openai-gpt", {}, ACROSS),
    "T5": ("t5", {}, ENCODER),
    "BART": ("bart", {}, ENCODER),
    "Gemma 3 (vision)": ("gemma3", {}, WRAPS),
    "Gemma 3n": ("gemma3n", {}, WRAPS),
    "Gemma 4 (vision)": ("gemma4", {}, WRAPS),
    "Llama 4": ("llama4", {}, WRAPS),
    "Llama 3.2 Vision": ("mllama", {}, WRAPS),
    "Mistral 3": ("mistral3", {}, WRAPS),
    "LLaVA": ("llava", {}, WRAPS),
    "Qwen2-VL": ("qwen2_vl", {}, WRAPS),
    "Qwen2.5-Omni": ("qwen2_5_omni", {}, WRAPS),
    "Phi-4 multimodal": ("phi4_multimodal", {}, WRAPS),
}
"""Name in ``docs/models.md`` to model type, settings, and what the message says."""
TABLE = Path(__file__).parents[2] / "docs" / "models.md"


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name in ("LFM2", "BLOOM", "GPT-2") else [pytest.mark.more])
        for name in REFUSED
    ],
)
def test_a_make_that_would_be_computed_wrongly_is_refused_by_its_config(
    name: str, tmp_path: Path
) -> None:
    kind, settings, why = REFUSED[name]
    (tmp_path / "config.json").write_text(json.dumps({"model_type": kind, **settings}))

    with pytest.raises(DamagedInput, match=rf"type {kind} are not supported: .*{why}"):
        check_architecture(tmp_path)


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if n in FIRST else [pytest.mark.more]) for n in FAMILIES]
)
def test_every_family_of_the_table_is_taken(name: str) -> None:
    assert why_unsupported(FAMILIES[name].config()) is None


def test_a_new_make_needs_no_name_to_be_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Llama that adds up what came before, in columns, is found out by what it does."""
    from transformers import LlamaConfig
    from transformers.models.llama import modeling_llama

    plain = modeling_llama.LlamaMLP.forward
    monkeypatch.setattr(
        modeling_llama.LlamaMLP, "forward", lambda self, x: plain(self, x.cumsum(dim=1) / 9)
    )

    why = why_unsupported(LlamaConfig(**SIZES))

    assert why
    assert PACKED in why


@pytest.mark.parametrize(
    "settings",
    [
        {"rope_parameters": {"rope_type": "llama3", "rope_theta": 5e5, "factor": 8.0,
                             "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                             "original_max_position_embeddings": 8192}},
        {"num_attention_heads": 32, "num_key_value_heads": 8, "hidden_size": 4096, "head_dim": 128},
        {"num_attention_heads": 9, "num_key_value_heads": 3, "hidden_size": 576, "head_dim": 64},
        {"num_attention_heads": 14, "num_key_value_heads": 2, "hidden_size": 896},
        {"num_attention_heads": 7, "num_key_value_heads": 7, "hidden_size": 448},
        {"attention_dropout": 0.1, "pad_token_id": 300, "bos_token_id": 301, "eos_token_id": [5, 9]},
        {"num_hidden_layers": 1},
        {"num_hidden_layers": 80},
    ],
    ids=str,
)  # fmt: skip
def test_a_llama_of_any_size_is_taken(settings: dict[str, Any]) -> None:
    from transformers import LlamaConfig

    assert why_unsupported(LlamaConfig(**{**SIZES, **settings})) is None


def test_convert_refuses_before_anything_else_is_made_of_it(tmp_path: Path) -> None:
    from transformers import BloomConfig, BloomForCausalLM

    config = BloomConfig(vocab_size=VOCABULARY, hidden_size=32, n_layer=2, n_head=4)
    BloomForCausalLM(config).save_pretrained(str(tmp_path / "source"))
    train_tokenizer(VOCABULARY).save_pretrained(str(tmp_path / "source"))

    with pytest.raises(DamagedInput, match="bloom are not supported"):
        convert_checkpoint(
            tmp_path / "source", tmp_path / "out", form="safetensors", file=None, dtype=None, tiny=None
        )  # fmt: skip


@pytest.mark.parametrize(
    ("section", "names"), [("Supported", list(FAMILIES)), ("Refused", list(REFUSED))]
)
def test_the_table_in_the_docs_is_what_is_tested(section: str, names: list[str]) -> None:
    text = TABLE.read_text(encoding="utf-8").split(f"## {section}\n")[1].split("\n## ")[0]
    rows = [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("| ")]

    assert rows[1:] == names


def test_windows_are_among_what_is_tested() -> None:
    from transformers import DynamicCache

    windowed = {name for name, family in FAMILIES.items() if family.window}
    assert len(windowed) > 5
    for name, family in FAMILIES.items():
        assert any(DynamicCache(config=family.config()).is_sliding) is (name in windowed)
