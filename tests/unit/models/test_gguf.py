"""GGUF files: the model that is in them, or refused where a part would be left aside."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import torch
from safebasin.errors import DamagedInput
from safebasin.models.checkpoint_files import CheckpointFiles
from safebasin.models.convert import convert_checkpoint
from safebasin.models.load import load_model, load_tokenizer

HEADS, KEY_HEADS = 4, 2
NAMES = {
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
Arrays = dict[str, np.ndarray[Any, Any]]


def arrays_of(folder: Path) -> Arrays:
    """The tiny Llama's tensors as llama.cpp names and orders them."""
    files = CheckpointFiles(folder)
    found: Arrays = {}
    for name in files.names():
        array = files.read(name).numpy()
        if name == "model.embed_tokens.weight":
            found["token_embd.weight"] = array
        elif name == "model.norm.weight":
            found["output_norm.weight"] = array
        else:
            _, _, layer, rest = name.split(".", 3)
            stem = rest.removesuffix(".weight")
            heads = {"self_attn.q_proj": HEADS, "self_attn.k_proj": KEY_HEADS}.get(stem)
            if heads:  # llama.cpp rotates pairs of neighbours, transformers halves
                halves = array.reshape(heads, 2, len(array) // heads // 2, -1)
                array = halves.swapaxes(1, 2).reshape(array.shape)
            found[f"blk.{layer}.{NAMES[stem]}.weight"] = array
    return found


def write(
    folder: Path,
    path: Path,
    arrays: Arrays,
    *,
    rule: str = "default",
    epsilon: bool = True,
    parts: int = 1,
    **settings: Any,
) -> None:
    """Write a GGUF file of the tiny checkpoint; ``settings`` are further keys of ``llama``."""
    config = json.loads((folder / "config.json").read_text())
    words = json.loads((folder / "tokenizer.json").read_text())
    tokens = sorted(words["model"]["vocab"], key=words["model"]["vocab"].get)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEY_HEADS)
    if epsilon:
        writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_dimension_count(config["hidden_size"] // HEADS)
    writer.add_rope_freq_base(config["rope_parameters"]["rope_theta"])
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(rule)
    writer.add_token_list(tokens)
    writer.add_token_types([3 if token.startswith("<|") else 1 for token in tokens])
    writer.add_token_merges([" ".join(merge) for merge in words["model"]["merges"]])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    writer.add_chat_template((folder / "chat_template.jinja").read_text())
    if parts > 1:
        writer.add_uint16("split.count", parts)
    for key, value in settings.items():
        name = f"llama.{key.replace('__', '.')}"
        (writer.add_string if isinstance(value, str) else writer.add_float32)(name, value)
    for name, array in arrays.items():
        writer.add_tensor(name, array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def convert(path: Path, folder: Path) -> Path:
    convert_checkpoint(path.parent, folder, form="gguf", file=path.name, dtype="float32", tiny=None)
    return folder


def logits(folder: Path) -> torch.Tensor:
    model = load_model(folder, device=torch.device("cpu"), precision="float32").model
    return model(torch.tensor([[5, 6, 7, 8]])).logits


def test_the_model_in_the_file_is_the_model_that_was_written(tiny, tmp_path):
    write(tiny, tmp_path / "whole.gguf", arrays_of(tiny))
    out = convert(tmp_path / "whole.gguf", tmp_path / "out")
    torch.testing.assert_close(logits(out), logits(tiny))
    text = "the gardener paints an old bridge"
    assert load_tokenizer(out)(text)["input_ids"] == load_tokenizer(tiny)(text)["input_ids"]


def less(*names: str) -> Callable[[Arrays], Arrays]:
    return lambda arrays: {name: each for name, each in arrays.items() if name not in names}


def more(name: str, *shape: int) -> Callable[[Arrays], Arrays]:
    return lambda arrays: arrays | {name: np.ones(shape, dtype=np.float32)}


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (less("output_norm.weight"), r"model\.norm\.weight"),
        (less("blk.1.attn_q.weight"), r"layers\.1\.self_attn\.q_proj"),
        (more("blk.0.attn_q.bias", 32), r"blk\.0\.attn_q\.bias"),
        (more("blk.2.attn_q.weight", 32, 32), r"blk\.2\.attn_q"),
        (more("rope_freqs.weight", 4), "rope_freqs"),
        (more("adapter.weight", 4), "adapter"),
        (more("blk.1.attn_v.weight", 8, 32), r"v_proj\.weight \(8, 32\), not \(16, 32\)"),
    ],
    ids=["norm", "matrix", "bias", "layer", "rope", "other", "shape"],
)
def test_tensors_that_would_be_left_aside_or_made_up_are_named(tiny, tmp_path, edit, words):
    write(tiny, tmp_path / "odd.gguf", edit(arrays_of(tiny)))
    with pytest.raises(DamagedInput, match=words):
        convert(tmp_path / "odd.gguf", tmp_path / "out")


@pytest.mark.parametrize(
    "settings",
    [
        {"rope__scaling__type": "linear", "rope__scaling__factor": 4.0},
        {"rope__scaling__type": "yarn"},
        {"logit_scale": 0.25},
        {"attention__scale": 0.5},
        {"attn_logit_softcapping": 50.0},
        {"attention__clamp_kqv": 8.0},
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_settings_that_would_be_dropped_are_named(tiny, tmp_path, settings):
    write(tiny, tmp_path / "odd.gguf", arrays_of(tiny), **settings)
    with pytest.raises(DamagedInput, match=next(iter(settings)).replace("__", r"\.")):
        convert(tmp_path / "odd.gguf", tmp_path / "out")


def test_settings_that_change_nothing_are_no_matter(tiny, tmp_path):
    write(tiny, tmp_path / "a.gguf", arrays_of(tiny), rope__scaling__type="none")
    torch.testing.assert_close(logits(convert(tmp_path / "a.gguf", tmp_path / "out")), logits(tiny))


@pytest.mark.parametrize("rule", ["gpt-2", "llama-bpe", "qwen2", "smollm", "starcoder"])
def test_a_vocabulary_whose_rule_for_words_is_known_is_taken(tiny, tmp_path, rule):
    write(tiny, tmp_path / "a.gguf", arrays_of(tiny), rule=rule)
    convert(tmp_path / "a.gguf", tmp_path / "out")


@pytest.mark.parametrize("rule", ["deepseek-llm", "falcon", "chatglm-bpe", "of tomorrow"])
def test_one_whose_rule_would_be_taken_for_that_of_gpt2_is_refused(tiny, tmp_path, rule):
    write(tiny, tmp_path / "odd.gguf", arrays_of(tiny), rule=rule)
    with pytest.raises(DamagedInput, match=f"rule '{rule}'"):
        convert(tmp_path / "odd.gguf", tmp_path / "out")


def test_a_rule_that_splits_digits_is_refused_where_a_token_joins_them(tiny, tmp_path):
    words = json.loads((tiny / "tokenizer.json").read_text())
    last = "".join(words["model"]["merges"].pop())
    words["model"]["merges"].append(["1", "2"])
    words["model"]["vocab"]["12"] = words["model"]["vocab"].pop(last)
    folder = tmp_path / "joined"
    shutil.copytree(tiny, folder)
    (folder / "tokenizer.json").write_text(json.dumps(words))
    write(folder, tmp_path / "odd.gguf", arrays_of(tiny), rule="smollm")
    with pytest.raises(DamagedInput, match="rule 'smollm'"):
        convert(tmp_path / "odd.gguf", tmp_path / "out")


def test_a_part_of_a_model_is_refused_with_the_cure(tiny, tmp_path):
    write(tiny, tmp_path / "odd.gguf", arrays_of(tiny), parts=2)
    with pytest.raises(DamagedInput, match=r"one of 2 parts .*--merge"):
        convert(tmp_path / "odd.gguf", tmp_path / "out")


def test_a_file_without_the_epsilon_of_its_norms_is_refused(tiny, tmp_path):
    write(tiny, tmp_path / "odd.gguf", arrays_of(tiny), epsilon=False)
    with pytest.raises(DamagedInput, match="epsilon"):
        convert(tmp_path / "odd.gguf", tmp_path / "out")


def test_weights_that_are_no_numbers_are_refused(tiny, tmp_path):
    arrays = arrays_of(tiny)
    arrays["blk.0.attn_q.weight"] = np.full_like(arrays["blk.0.attn_q.weight"], np.nan)
    write(tiny, tmp_path / "odd.gguf", arrays)
    with pytest.raises(DamagedInput, match="no finite numbers"):
        convert(tmp_path / "odd.gguf", tmp_path / "out")


@pytest.mark.parametrize("left", [4, 20, 100, 3000, -4000])
def test_a_file_that_is_cut_is_told(tiny, tmp_path, left):
    write(tiny, tmp_path / "odd.gguf", arrays_of(tiny))
    whole = (tmp_path / "odd.gguf").read_bytes()
    (tmp_path / "odd.gguf").write_bytes(whole[:left])
    with pytest.raises(DamagedInput, match="cannot read this GGUF file"):
        convert(tmp_path / "odd.gguf", tmp_path / "out")
