"""Other people's checkpoints: taken as they are, or refused by name; never filled with chance."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safebasin.errors import DamagedInput
from safebasin.models.checkpoint_files import CheckpointFiles
from safebasin.models.convert import convert_checkpoint
from safebasin.models.load import load_model
from safebasin.store.writers import write_safetensors

Tensors = dict[str, torch.Tensor]
CPU = torch.device("cpu")
DOWN = "model.layers.0.mlp.down_proj.weight"


def take(source: Path, folder: Path, dtype: str | None = None) -> None:
    convert_checkpoint(source, folder, form="safetensors", file=None, dtype=dtype, tiny=None)  # type: ignore[arg-type]


def tensors_of(folder: Path) -> Tensors:
    files = CheckpointFiles(folder)
    return {name: files.read(name) for name in files.names()}


def variant(
    tiny: Path,
    folder: Path,
    edit: Callable[[Tensors], Tensors] = lambda tensors: tensors,
    **config: Any,
) -> Path:
    """A copy of the tiny checkpoint with other tensors and settings."""
    shutil.copytree(tiny, folder)
    write_safetensors(folder / "model.safetensors", edit(tensors_of(tiny)))
    settings = json.loads((tiny / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**settings, **config}))
    return folder


def shard(folder: Path, names: tuple[str, ...], metadata: bool = True) -> None:
    """Put the checkpoint's tensors into as many files, and list them in an index."""
    tensors = tensors_of(folder)
    (folder / "model.safetensors").unlink()
    places = {name: names[number % len(names)] for number, name in enumerate(sorted(tensors))}
    for file in names:
        write_safetensors(
            folder / file, {name: tensors[name] for name, home in places.items() if home == file}
        )
    index: dict[str, Any] = {"weight_map": places}
    if metadata:
        index["metadata"] = {"total_size": 1}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def logits(folder: Path) -> torch.Tensor:
    model = load_model(folder, device=CPU, precision="float32").model
    return model(torch.tensor([[5, 6, 7]])).logits


@pytest.mark.parametrize("dtype", [None, "bfloat16", "float32"])
@pytest.mark.parametrize("metadata", [True, False])
@pytest.mark.parametrize(
    "names",
    [
        ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"),
        ("part_a.safetensors", "pytorch_model-2.safetensors", "z.safetensors"),
        ("only.safetensors",),
    ],
    ids=len,
)
def test_shards_of_any_name_are_taken(tiny, tmp_path, names, metadata, dtype):
    folder = variant(tiny, tmp_path / "sharded")
    shard(folder, names, metadata)
    take(folder, tmp_path / "taken", dtype)
    take(tiny, tmp_path / "whole", dtype)
    assert logits(tmp_path / "taken").equal(logits(tmp_path / "whole"))


def test_weights_stay_as_they_are_stored_unless_a_type_is_named(tiny, tmp_path):
    half = variant(tiny, tmp_path / "half", lambda t: {n: w.bfloat16() for n, w in t.items()})
    take(half, tmp_path / "kept")
    take(half, tmp_path / "cast", "float32")
    kept, cast = (CheckpointFiles(tmp_path / name) for name in ("kept", "cast"))
    assert {kept.stored(name).dtype for name in kept.names()} == {"BF16"}
    assert {cast.stored(name).dtype for name in cast.names()} == {"F32"}
    assert logits(tmp_path / "kept").equal(logits(tmp_path / "cast"))


def test_a_missing_shard_is_named(tiny, tmp_path):
    folder = variant(tiny, tmp_path / "sharded")
    shard(folder, ("a.safetensors", "b.safetensors"))
    (folder / "b.safetensors").unlink()
    with pytest.raises(DamagedInput, match=r"lacks b\.safetensors: 1 of the 2"):
        take(folder, tmp_path / "out")


def prefixed(prefix: str) -> Callable[[Tensors], Tensors]:
    return lambda tensors: {f"{prefix}{name}": weight for name, weight in tensors.items()}


def without(*names: str) -> Callable[[Tensors], Tensors]:
    return lambda tensors: {n: w for n, w in tensors.items() if not n.endswith(names)}


def beside(**more: torch.Tensor) -> Callable[[Tensors], Tensors]:
    return lambda tensors: tensors | {name.replace("__", "."): w for name, w in more.items()}


def packed(tensors: Tensors) -> Tensors:
    rest = {n: w for n, w in tensors.items() if n != DOWN}
    stem = DOWN.removesuffix("weight")
    return rest | {
        f"{stem}qweight": torch.ones(4, 4, dtype=torch.int32),
        f"{stem}scales": torch.ones(4),
    }


REFUSED: dict[str, tuple[Callable[[Tensors], Tensors], dict[str, Any], str]] = {
    "compiled": (prefixed("_orig_mod."), {}, "torch.compile"),
    "peft": (prefixed("base_model.model."), {}, "merge"),
    "parallel": (prefixed("module."), {}, "DataParallel"),
    "fsdp": (prefixed("_fsdp_wrapped_module."), {}, "FSDP"),
    "other prefix": (prefixed("language_model."), {}, "missing are"),
    "no prefix": (
        lambda tensors: {n.removeprefix("model."): w for n, w in tensors.items()},
        {},
        "AutoModelForCausalLM",
    ),
    "layer": (without("layers.1.mlp.up_proj.weight"), {}, r"layers\.1\.mlp\.up_proj"),
    "norm": (without("model.norm.weight"), {}, r"model\.norm"),
    "layers fewer than told": (lambda t: t, {"num_hidden_layers": 3}, r"layers\.2\."),
    "layers more than told": (lambda t: t, {"num_hidden_layers": 1}, r"left over.*layers\.1\."),
    "head": (lambda t: t, {"tie_word_embeddings": False}, r"lm_head\.weight"),
    "head that is tied": (
        beside(lm_head__weight=torch.ones(320, 32)),
        {},
        r"lm_head\.weight and model\.embed_tokens\.weight differ",
    ),
    "bias": (
        beside(model__layers__0__self_attn__q_proj__bias=torch.ones(32)),
        {},
        r"left over.*q_proj\.bias",
    ),
    "shape": (lambda t: t | {DOWN: t[DOWN][:, :8]}, {}, r"down_proj\.weight \(32, 8\), not"),
    "integers": (lambda t: t | {DOWN: t[DOWN].to(torch.int8)}, {}, r"down_proj\.weight: I8"),
    "gptq names": (packed, {}, "quantised"),
    "no tensors": (lambda _: {}, {}, "missing are"),
    "gptq": (lambda t: t, {"quantization_config": {"quant_method": "gptq"}}, "gptq"),
    "fp8": (lambda t: t, {"quantization_config": {"quant_method": "fp8"}}, "fp8"),
    "old compressed": (lambda t: t, {"compression_config": {"format": "x"}}, "compression"),
    "another type": (lambda t: t, {"model_type": "gemma"}, "GemmaForCausalLM"),
    "classifier": (
        lambda t: t,
        {"architectures": ["LlamaForSequenceClassification"]},
        "LlamaForSequenceClassification",
    ),
    "unknown rope": (
        lambda t: t,
        {"rope_parameters": {"rope_type": "linear", "rope_theta": 1e4, "factor": 2.0, "odd": 3}},
        "Unrecognized keys",
    ),
    "unknown activation": (lambda t: t, {"hidden_act": "nothing"}, "nothing"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_checkpoint_that_is_not_whole_is_refused_by_name(tiny, tmp_path, case):
    edit, config, words = REFUSED[case]
    with pytest.raises(DamagedInput, match=words):
        take(variant(tiny, tmp_path / "odd", edit, **config), tmp_path / "out")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("model.safetensors", "holds both"),
        ("model-00001-of-00003.safetensors", "beside"),
        ("pytorch_model.safetensors", "beside"),
        ("adapter_config.json", "adapter"),
        ("quantize_config.json", "quantised"),
    ],
)
def test_files_that_could_be_meant_instead_are_refused(tiny, tmp_path, name, words):
    folder = variant(tiny, tmp_path / "sharded")
    shard(folder, ("a.safetensors", "b.safetensors"))
    if name.endswith(".json"):
        (folder / name).write_text("{}")
    else:
        write_safetensors(folder / name, {"x": torch.ones(1)})
    with pytest.raises(DamagedInput, match=words):
        take(folder, tmp_path / "out")


def test_weights_in_another_format_beside_them_are_left_out(tiny, tmp_path):
    folder = variant(tiny, tmp_path / "both")
    write_safetensors(folder / "consolidated.safetensors", {"x": torch.ones(1)})
    take(folder, tmp_path / "out")
    assert not (tmp_path / "out/consolidated.safetensors").exists()


def test_what_may_be_absent_or_left_over_is_taken(tiny, tmp_path):
    old = beside(model__layers__0__self_attn__rotary_emb__inv_freq=torch.ones(4))
    take(variant(tiny, tmp_path / "old", old), tmp_path / "a")
    twice = variant(
        tiny,
        tmp_path / "twice",
        lambda t: t | {"lm_head.weight": t["model.embed_tokens.weight"].clone()},
    )
    take(twice, tmp_path / "b")
    assert logits(tmp_path / "a").equal(logits(tiny))
    assert logits(tmp_path / "b").equal(logits(tiny))


def test_a_scaled_llama_whose_rows_were_made_shorter_is_taken(tiny, tmp_path):
    rope = {
        "rope_type": "llama3",
        "rope_theta": 5e5,
        "factor": 8.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8192,
    }
    wanted = variant(tiny, tmp_path / "long", rope_parameters=rope, max_position_embeddings=131072)
    shorter = variant(tiny, tmp_path / "short", rope_parameters=rope, max_position_embeddings=8192)
    take(shorter, tmp_path / "out")
    assert logits(tmp_path / "out").equal(logits(wanted))


def test_code_is_left_out_where_the_library_knows_the_architecture(tiny, tmp_path):
    folder = variant(tiny, tmp_path / "odd", auto_map={"AutoModelForCausalLM": "modeling.Own"})
    take(folder, tmp_path / "out")
    assert "auto_map" not in json.loads((tmp_path / "out/config.json").read_text())
    assert logits(tmp_path / "out").equal(logits(tiny))


def test_code_is_refused_where_the_library_does_not_know_the_architecture(tiny, tmp_path):
    folder = variant(
        tiny, tmp_path / "odd", auto_map={"AutoModelForCausalLM": "m.Own"}, model_type="own"
    )
    with pytest.raises(DamagedInput, match="auto_map"):
        take(folder, tmp_path / "out")


def test_a_tokenizer_with_more_tokens_than_embeddings_is_refused(tiny, tmp_path):
    fewer = variant(
        tiny,
        tmp_path / "odd",
        lambda t: t | {"model.embed_tokens.weight": t["model.embed_tokens.weight"][:300]},
        vocab_size=300,
    )
    with pytest.raises(DamagedInput, match="embeddings of 300"):
        take(fewer, tmp_path / "out")


def test_loading_checks_again(tiny, tmp_path):
    folder = variant(tiny, tmp_path / "odd", without("model.norm.weight"))
    with pytest.raises(DamagedInput, match=r"model\.norm"):
        load_model(folder, device=CPU, precision="float32")


def holding(value: float, dtype: torch.dtype = torch.float32) -> Callable[[Tensors], Tensors]:
    """The tensors in ``dtype``, with one number of theirs another one."""

    def edit(tensors: Tensors) -> Tensors:
        typed = {name: weight.to(dtype) for name, weight in tensors.items()}
        typed[DOWN] = typed[DOWN].clone()
        typed[DOWN][0, 0] = value
        return typed

    return edit


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (holding(float("nan")), r"1 weights hold .* no finite numbers .*down_proj"),
        (holding(float("inf"), torch.float16), r"no finite numbers .*down_proj"),
        (holding(float("nan"), torch.bfloat16), r"no finite numbers .*down_proj"),
        (holding(1e300, torch.float64), r"no finite numbers .*beyond float32.*down_proj"),
        (lambda t: {n: torch.zeros_like(w) for n, w in t.items()}, "nothing but zeros"),
        (prefixed("model."), r"a prefix before the architecture's own names"),
    ],
    ids=["nan", "overflown", "nan in bf16", "beyond fp32", "zeros", "prefix that loads"],
)
@pytest.mark.parametrize("dtype", [None, "float32"])
def test_numbers_and_names_that_would_load_and_be_wrong_are_refused(
    tiny, tmp_path, edit, words, dtype
):
    with pytest.raises(DamagedInput, match=words):
        take(variant(tiny, tmp_path / "odd", edit), tmp_path / "out", dtype)


def test_a_shard_of_zeros_is_named(tiny, tmp_path):
    folder = variant(tiny, tmp_path / "cut")
    shard(folder, ("a.safetensors", "b.safetensors"))
    file = CheckpointFiles(folder).files[1]
    blank = {name: torch.zeros(stored.shape) for name, stored in file.tensors.items()}
    write_safetensors(folder / "b.safetensors", blank)
    with pytest.raises(DamagedInput, match=r"00002-of-00002\.safetensors holds nothing but zeros"):
        take(folder, tmp_path / "out")


@pytest.mark.parametrize(
    "settings",
    [
        {"return_dict": False},
        {"_attn_implementation": "flash_attention_2"},
        {"attn_implementation": "flash_attention_3"},
        {"output_attentions": True, "output_hidden_states": True},
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_how_a_model_was_run_elsewhere_is_no_matter(tiny, tmp_path, settings):
    take(variant(tiny, tmp_path / "odd", **settings), tmp_path / "out")
    assert not settings.keys() & json.loads((tmp_path / "out/config.json").read_text()).keys()
    assert logits(tmp_path / "out").equal(logits(tiny))


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("config.json", '{"a": ' * 9000 + "1" + "}" * 9000, "cannot be read as JSON"),
        ("generation_config.json", '{"eos_token_id": "</s>"}', "eos_token_id is '</s>'"),
        ("generation_config.json", '{"eos_token_id": [1, null]}', r"eos_token_id is \[1, None\]"),
        ("generation_config.json", '{"pad_token_id": 1.5}', r"pad_token_id is 1\.5"),
        ("tokenizer_config.json", '{"model_max_length": Infinity}', "no JSON"),
    ],
)
def test_settings_that_cannot_be_meant_are_named(tiny, tmp_path, file, content, words):
    folder = variant(tiny, tmp_path / "odd")
    (folder / file).write_text(content)
    with pytest.raises(DamagedInput, match=words):
        take(folder, tmp_path / "out")


def test_a_filler_beyond_the_embeddings_is_told_as_the_library_does(tiny, tmp_path):
    with pytest.raises(DamagedInput, match="Padding_idx must be within num_embeddings"):
        take(variant(tiny, tmp_path / "odd", pad_token_id=320), tmp_path / "out")


def test_a_folder_in_the_place_of_weights_is_told(tiny, tmp_path):
    folder = variant(tiny, tmp_path / "odd")
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors").mkdir()
    with pytest.raises(DamagedInput, match=r"model\.safetensors cannot be read: Is a directory"):
        take(folder, tmp_path / "out")
