from __future__ import annotations

import json
from collections.abc import Callable
from math import sqrt
from pathlib import Path

import pytest
import torch
from safebasin.errors import DamagedInput
from safebasin.models.adapter_files import (
    canonical_config,
    read_pairs,
    tensor_name,
    write_adapter,
)
from safebasin.store.writers import write_safetensors
from torch import Tensor

Q, K = "model.layers.0.self_attn.q_proj.weight", "model.layers.0.self_attn.k_proj.weight"
CONFIG: dict[str, object] = {
    "peft_type": "LORA",
    "r": 2,
    "lora_alpha": 6,
    "target_modules": ["q_proj", "k_proj"],
    "base_model_name_or_path": "/somewhere/local",
}


def factors(rank: int = 2) -> dict[str, Tensor]:
    rng = torch.Generator().manual_seed(0)
    made = {}
    for name, rows in ((Q, 8), (K, 4)):
        made[tensor_name(name, "A")] = torch.randn(rank, 8, generator=rng)
        made[tensor_name(name, "B")] = torch.randn(rows, rank, generator=rng)
    return made


def raw_adapter(folder: Path, config: dict[str, object], tensors: dict[str, Tensor]) -> Path:
    """An adapter as somebody else would have written it."""
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_text(json.dumps(config))
    write_safetensors(folder / "adapter_model.safetensors", tensors)
    return folder


def test_pairs_are_read_as_they_were_written(tmp_path: Path) -> None:
    write_adapter(tmp_path, CONFIG, factors())

    pairs = read_pairs(tmp_path)

    assert [pair.name for pair in pairs] == [K, Q]
    assert torch.equal(pairs[1].a, factors()[tensor_name(Q, "A")])
    assert torch.equal(pairs[0].b, factors()[tensor_name(K, "B")])
    assert pairs[0].scale == 3.0


def test_the_order_of_lists_and_tensors_does_not_change_the_bytes(tmp_path: Path) -> None:
    turned = dict(reversed(factors().items()))
    for folder, config, tensors in (
        ("a", CONFIG, factors()),
        ("b", CONFIG | {"target_modules": {"k_proj", "q_proj"}, "peft_version": "0"}, turned),
    ):
        (tmp_path / folder).mkdir()
        write_adapter(tmp_path / folder, config, tensors)

    for name in ("adapter_config.json", "adapter_model.safetensors"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_rank_stabilised_and_patterned_scales_are_those_of_peft(tmp_path: Path) -> None:
    stable = CONFIG | {"use_rslora": True}
    patterns = {"q_proj": 12, ".*": 6, r".*\.0\..*": 20}
    write_adapter(tmp_path, stable | {"alpha_pattern": patterns}, factors())

    scales = {pair.name: pair.scale for pair in read_pairs(tmp_path)}

    assert scales == {Q: 12 / sqrt(2), K: 6 / sqrt(2)}


def test_patterns_are_written_out_so_that_their_order_is_no_matter(tmp_path: Path) -> None:
    patterns = {".*v_proj|k_proj": 4, "q_proj": 6, ".*": 12}
    write_adapter(tmp_path, CONFIG | {"alpha_pattern": patterns}, factors())

    config = json.loads((tmp_path / "adapter_config.json").read_text())

    assert config["alpha_pattern"] == {r"^model\.layers\.0\.self_attn\.k_proj": 4}
    again = tmp_path / "again"
    again.mkdir()
    write_adapter(again, config, factors())
    assert json.loads((again / "adapter_config.json").read_text()) == config


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"use_dora": True}, "use_dora"),
        ({"bias": "all"}, "bias"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save"),
        ({"peft_type": "IA3"}, "IA3"),
        ({"r": "8"}, "r is '8'"),
    ],
)
def test_what_is_no_plain_lora_is_refused(changes: dict[str, object], said: str) -> None:
    with pytest.raises(DamagedInput, match=said):
        canonical_config(CONFIG | changes)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda t: t.pop(tensor_name(Q, "A")), "q_proj has only lora_B"),
        (lambda t: t.update({tensor_name(Q, "A"): torch.zeros(3, 8)}), "do not chain"),
        (lambda t: t.update({"base_model.model.lm_head.weight": torch.zeros(1)}), "no factor"),
        (lambda t: t.clear(), "holds no factors"),
        (lambda t: (t.clear(), t.update(factors(3))), "has rank 3"),
    ],
)
def test_factors_that_do_not_make_pairs_are_damage(
    tmp_path: Path, edit: Callable[[dict[str, Tensor]], object], said: str
) -> None:
    tensors = factors()
    edit(tensors)
    raw_adapter(tmp_path / "a", CONFIG, tensors)

    with pytest.raises(DamagedInput, match=said):
        read_pairs(tmp_path / "a")


def test_peft_loads_the_canonical_form_and_computes_w_plus_s_b_a(tmp_path: Path) -> None:
    peft = pytest.importorskip("peft")
    from transformers import LlamaConfig, LlamaForCausalLM

    model = LlamaForCausalLM(
        LlamaConfig(
            hidden_size=8,
            intermediate_size=8,
            num_hidden_layers=1,
            vocab_size=11,
            num_attention_heads=2,
            num_key_value_heads=1,
            head_dim=4,
        )
    )
    before = {name: x.detach().clone() for name, x in model.named_parameters()}
    write_adapter(tmp_path, CONFIG | {"alpha_pattern": {"q_proj": 12}}, factors())

    merged = peft.PeftModel.from_pretrained(model, tmp_path).merge_and_unload()

    after = dict(merged.named_parameters())
    for pair in read_pairs(tmp_path):
        wanted = before[pair.name] + pair.scale * pair.b @ pair.a
        torch.testing.assert_close(after[pair.name].detach(), wanted)
