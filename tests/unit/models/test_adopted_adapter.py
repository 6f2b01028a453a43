"""An adopted adapter is the model that PEFT makes of its folder, or it is refused by name."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import torch
from safebasin.errors import DamagedInput, SafebasinError, StudyError
from safebasin.models.adapter_files import read_pairs
from safebasin.models.adopted_adapter import adopt_adapter
from safebasin.models.load import load_model
from safebasin.progress import LineProgress
from torch import Tensor

from .adapters import (
    base_model,
    logits,
    peft_model,
    read_tensors,
    reconfigure,
    rewrite,
    save_adapter,
)

FORMS: dict[str, dict[str, Any]] = {
    "list": {},
    "rslora": {"use_rslora": True},
    "negative alpha": {"lora_alpha": -8},
    "broken alpha": {"lora_alpha": 2.5},
    "suffix": {"target_modules": ["self_attn.q_proj", "layers.1.mlp.up_proj"]},
    "regular expression": {
        "target_modules": r".*\.(q_proj|down_proj)",
        "rank_pattern": {"down_proj": 2},
        "use_rslora": True,
    },
    "all-linear": {"target_modules": "all-linear"},
    "all-linear but one": {
        "target_modules": "all-linear",
        "exclude_modules": ["layers.0.self_attn.q_proj"],
    },
    "exclude by regular expression": {"exclude_modules": r".*\.1\..*q_proj"},
    "one layer": {"layers_to_transform": 1},
    "layers": {"layers_to_transform": [0], "layers_pattern": "layers"},
    "caret that fits nothing": {"alpha_pattern": {"^q_proj": 100}},
    "caret that fits": {"alpha_pattern": {"^model.layers.0.self_attn.q_proj": 100}},
    "ranks and alphas": {
        "rank_pattern": {"q_proj": 2, r"layers\.1\..*v_proj": 8},
        "alpha_pattern": {"layers.0.self_attn.v_proj": 3, "v_proj": 5},
    },
    "gaussian": {"init_lora_weights": "gaussian"},
    "orthogonal": {"init_lora_weights": "orthogonal"},
    "eva": {"init_lora_weights": "eva"},
    "mica": {"init_lora_weights": "mica"},
    "drawn": {"init_lora_weights": False},
    "dropout": {"lora_dropout": 0.5},
}


def adopt(source: Path, checkpoint: Path, out: Path) -> Path:
    out.mkdir()
    adopt_adapter(source, checkpoint, out, "checkpoint/0123")
    return out


def same_as_peft(checkpoint: Path, source: Path, adopted: Path) -> None:
    wanted = peft_model(checkpoint, source)
    assert not torch.allclose(logits(wanted), logits(base_model(checkpoint)), atol=1e-3)
    ours = load_model(
        checkpoint, device=torch.device("cpu"), precision="float32", adapter=adopted
    ).model
    torch.testing.assert_close(logits(ours), logits(wanted), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(
        logits(peft_model(checkpoint, adopted)), logits(wanted), atol=1e-6, rtol=1e-6
    )
    layers = {
        name: layer
        for name, layer in wanted.get_base_model().named_modules()
        if hasattr(layer, "lora_A")
    }
    pairs = {pair.name.removesuffix(".weight"): pair for pair in read_pairs(adopted)}
    assert pairs.keys() == layers.keys()
    for name, layer in layers.items():
        assert pairs[name].scale == pytest.approx(layer.scaling["default"], rel=1e-12)
        assert pairs[name].a.shape[0] == layer.r["default"]


@pytest.mark.parametrize("form", FORMS)
def test_it_is_the_model_that_peft_makes_of_the_folder(
    form: str, tiny: Path, tmp_path: Path
) -> None:
    source = save_adapter(tiny, tmp_path / "source", **FORMS[form])

    same_as_peft(tiny, source, adopt(source, tiny, tmp_path / "out"))


@pytest.mark.parametrize(
    "changes", [{"target_modules": None}, {"rank_pattern": None}, {"layers_to_transform": []}]
)
def test_a_key_without_a_value_means_what_it_means_to_peft(
    changes: dict[str, Any], tiny: Path, tmp_path: Path
) -> None:
    source = save_adapter(tiny, tmp_path / "source")
    shutil.copytree(source, tmp_path / "theirs")
    reconfigure(source, **changes)

    out = adopt(source, tiny, tmp_path / "out")

    same_as_peft(tiny, tmp_path / "theirs", out)


@pytest.mark.parametrize("order", [1, -1])
def test_patterns_are_read_in_the_order_of_the_file(order: int, tiny: Path, tmp_path: Path) -> None:
    source = save_adapter(tiny, tmp_path / "source")
    patterns = [("q_proj", 100), (r"layers\.1\..*", 30), ("a.*", 3), (".*", 50)][::order]
    reconfigure(source, alpha_pattern=dict(patterns))

    same_as_peft(tiny, source, adopt(source, tiny, tmp_path / "out"))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_factors_are_kept_in_the_type_that_they_came_in(
    dtype: torch.dtype, tiny: Path, tmp_path: Path
) -> None:
    source = save_adapter(tiny, tmp_path / "source")
    tensors = read_tensors(source)
    rewrite(source, {k: t.to(dtype) if "lora_A" in k else t for k, t in tensors.items()})

    out = adopt(source, tiny, tmp_path / "out")

    same_as_peft(tiny, source, out)
    assert {t.dtype for k, t in read_tensors(out).items() if "lora_A" in k} == {dtype}


def test_the_config_names_modules_in_full_and_its_base_by_digest(
    tiny: Path, tmp_path: Path
) -> None:
    source = save_adapter(tiny, tmp_path / "source" / "deep", target_modules=["q_proj"])
    reconfigure(source, rank_pattern={}, alpha_pattern={"layers.1.*": 5}, revision="main")

    out = adopt(tmp_path / "source", tiny, tmp_path / "out")

    config = json.loads((out / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "checkpoint/0123"
    assert config["target_modules"] == [f"model.layers.{i}.self_attn.q_proj" for i in range(2)]
    assert config["alpha_pattern"] == {r"^model\.layers\.1\.self_attn\.q_proj": 5}
    assert not {"peft_version", "revision"} & config.keys()
    assert sorted(p.name for p in out.iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
    ]


def renamed(change: Callable[[str], str]) -> Callable[[dict[str, Tensor]], dict[str, Tensor]]:
    return lambda tensors: {change(key): tensor for key, tensor in tensors.items()}


FIRST = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"


@pytest.mark.parametrize(
    "change",
    [
        lambda key: key.replace(".weight", ".default.weight"),
        lambda key: key.replace(".weight", ".my-adapter.weight"),
        lambda key: f"_orig_mod.{key}",
        lambda key: f"module.{key}",
        lambda key: key.replace("base_model.model.", "base_model.model._orig_mod.", 1),
        lambda key: key.replace("base_model.model.", "base_model.model.module.", 1),
        lambda key: key.replace("layers.0", "layers.0._checkpoint_wrapped_module"),
        lambda key: key.replace(".self_attn", "._orig_mod.self_attn"),
        lambda key: key.removeprefix("base_model.model."),
        lambda key: key.replace("base_model.model.model.", "base_model.model."),
        lambda key: key.removeprefix("base_model.model.model."),
    ],
)
def test_keys_of_another_form_are_refused_with_the_right_one(
    change: Callable[[str], str], tiny: Path, tmp_path: Path
) -> None:
    source = save_adapter(tiny, tmp_path / "source")
    rewrite(source, renamed(change)(read_tensors(source)))

    with pytest.raises(StudyError) as refused:
        adopt(source, tiny, tmp_path / "out")

    assert f"({FIRST} is right)" in str(refused.value)
    assert "adapter_model.safetensors" in str(refused.value)
    assert "save_pretrained" in str(refused.value)
    assert "missing" not in str(refused.value)
    assert not list((tmp_path / "out").iterdir())


def without(part: str) -> Callable[[dict[str, Tensor]], dict[str, Tensor]]:
    return lambda tensors: {key: t for key, t in tensors.items() if part not in key}


def changed(
    part: str, change: Callable[[Tensor], Tensor]
) -> Callable[[dict[str, Tensor]], dict[str, Tensor]]:
    return lambda tensors: {k: change(t) if part in k else t for k, t in tensors.items()}


def added(key: str, tensor: Tensor) -> Callable[[dict[str, Tensor]], dict[str, Tensor]]:
    return lambda tensors: tensors | {key: tensor}


EMBEDDINGS = "base_model.model.model.embed_tokens.weight"
LEFT_OUT = "base_model.model.model.layers.0.self_attn.k_proj.lora_A.weight"
TOO_DEEP = "base_model.model.model.layers.2.self_attn.q_proj.lora_A.weight"


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (without("layers.1"), r"4 factors .* missing.*layers\.1\.self_attn\.q_proj\.lora_A"),
        (without("lora_B"), r"4 factors .* missing.*layers\.0\.self_attn\.q_proj\.lora_B"),
        (without("lora"), r"8 factors .* missing"),
        (added(EMBEDDINGS, torch.ones(320, 32)), r"embed_tokens\.weight \(no factor of a plain"),
        (added(LEFT_OUT, torch.ones(4, 32)), r"k_proj\.lora_A\.weight \(for a layer that it leav"),
        (added(TOO_DEEP, torch.ones(4, 32)), r"layers\.2.* \(for a matrix that the checkpoint ha"),
        (changed("q_proj.lora_A", lambda t: t[:, :16]), r"q_proj\.weight is \(32, 32\) in the ch"),
        (changed("lora_", lambda t: t.mT.contiguous()), "are transposed"),
        (changed("q_proj.lora_A", lambda t: t[:3]), "do not chain"),
        (changed("q_proj.lora_A", lambda t: t[0]), "do not chain"),
        (changed("lora_B", lambda t: t * float("nan")), "no finite numbers"),
        (changed("0.self_attn.v_proj.lora_A", lambda t: t / 0), r"0\.self_attn\.v_proj\.lora_A.*"),
        (changed("q_proj.lora_A", lambda t: t.double() * 1e300), "no finite numbers"),
        (changed("lora_A", lambda t: t.to(torch.int8)), "stored as I8"),
        (changed("lora_B", torch.zeros_like), "changes nothing"),
        (changed("lora_A", torch.zeros_like), "changes nothing"),
    ],
)
def test_a_file_that_is_not_what_the_config_adapts_is_refused(
    edit: Callable[[dict[str, Tensor]], dict[str, Tensor]], said: str, tiny: Path, tmp_path: Path
) -> None:
    source = save_adapter(tiny, tmp_path / "source")
    rewrite(source, edit(read_tensors(source)))

    with pytest.raises((StudyError, DamagedInput), match=said):
        adopt(source, tiny, tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"r": 8}, "has rank 4; adapter_config.json says 8"),
        ({"rank_pattern": {"v_proj": 2}}, "v_proj has rank 4; adapter_config.json says 2"),
        ({"lora_alpha": 0}, "changes nothing"),
        ({"exclude_modules": ["v_proj"]}, "4 keys are for no layer"),
        ({"target_modules": ["q_proj"]}, "4 keys are for no layer"),
        ({"target_modules": ["q_proj", "v_proj", "o_proj"]}, "4 factors .* missing"),
        ({"target_modules": ["nowhere"]}, "PEFT cannot put the adapter on this checkpoint"),
        ({"target_modules": "*"}, "PEFT cannot put the adapter on this checkpoint"),
        ({"target_modules": ["self_attn"]}, "PEFT cannot put the adapter on this checkpoint"),
        ({"target_modules": ["q_proj", "embed_tokens"]}, r"embed_tokens \(Embedding\)"),
        ({"layers_pattern": "layers"}, "PEFT refuses it"),
        ({"layers_to_transform": [1]}, "4 keys are for no layer"),
        ({"init_lora_weights": "pissa"}, "changes the base"),
    ],
)
def test_a_config_that_is_not_that_of_the_file_is_refused(
    changes: dict[str, Any], said: str, tiny: Path, tmp_path: Path
) -> None:
    source = save_adapter(tiny, tmp_path / "source")
    reconfigure(source, **changes)

    with pytest.raises((StudyError, DamagedInput), match=said):
        adopt(source, tiny, tmp_path / "out")


@pytest.mark.parametrize(
    "settings",
    [
        {"init_lora_weights": "pissa"},
        {"init_lora_weights": "pissa_niter_4"},
        {"init_lora_weights": "olora"},
        {"use_dora": True},
        {"lora_bias": True},
        {"bias": "all"},
        {"modules_to_save": ["lm_head"]},
        {"modules_to_save": ["embed_tokens"]},
        {"target_modules": ["q_proj", "embed_tokens"]},
        {"trainable_token_indices": [1, 2]},
        {"layer_replication": [[0, 2], [1, 2]]},
    ],
)
def test_what_peft_makes_otherwise_is_never_taken_for_b_a(
    settings: dict[str, Any], tiny: Path, tmp_path: Path
) -> None:
    source = save_adapter(tiny, tmp_path / "source", **settings)

    with pytest.raises(SafebasinError, match=f"{next(iter(settings))}|embed_tokens"):
        adopt(source, tiny, tmp_path / "out")


def test_an_adapter_turned_into_plain_lora_by_peft_is_taken(tiny: Path, tmp_path: Path) -> None:
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(
        task_type="CAUSAL_LM", r=4, target_modules=["q_proj"], init_lora_weights="pissa"
    )
    model = get_peft_model(base_model(tiny), config)
    model.peft_config["default"].init_lora_weights = True
    model.save_pretrained(tmp_path / "before")
    model.peft_config["default"].init_lora_weights = "pissa"
    for name, factor in model.named_parameters():
        if ".lora_" in name:
            factor.data += torch.randn(factor.shape, generator=torch.manual_seed(1)) / 4
    trained = logits(model.eval())
    model.save_pretrained(
        tmp_path / "source", path_initial_model_for_weight_conversion=str(tmp_path / "before")
    )

    out = adopt(tmp_path / "source", tiny, tmp_path / "out")

    same_as_peft(tiny, tmp_path / "source", out)
    torch.testing.assert_close(logits(peft_model(tiny, out)), trained, atol=1e-4, rtol=1e-4)


def test_what_cannot_be_told_is_said(tiny: Path, tmp_path: Path) -> None:
    source = save_adapter(tiny, tmp_path / "source")
    overlapping = {"q_proj": 3, r"layers\.0\..*": 5, "v_proj": 5}
    reconfigure(source, base_model_name_or_path="somebody/else", alpha_pattern=overlapping)
    rewrite(source, changed("0.self_attn.q_proj.lora_B", torch.zeros_like)(read_tensors(source)))
    (tmp_path / "out").mkdir()

    adopt_adapter(source, tiny, tmp_path / "out", "checkpoint/0", LineProgress(told := StringIO()))

    said = told.getvalue()
    assert "1 of 4 modules are unchanged: model.layers.0.self_attn.q_proj" in said
    assert "'somebody/else' as its base" in said
    assert "several of alpha_pattern fit model.layers.0.self_attn.q_proj" in said
    assert "v_proj:" not in said


def test_a_pickled_adapter_is_refused_by_name(tiny: Path, tmp_path: Path) -> None:
    source = save_adapter(tiny, tmp_path / "source")
    (source / "adapter_model.safetensors").rename(source / "adapter_model.bin")

    with pytest.raises(DamagedInput, match=r"adapter_model\.bin.*never loaded"):
        adopt(source, tiny, tmp_path / "out")


def test_a_source_with_no_adapter_or_two_is_refused(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    with pytest.raises(DamagedInput, match="found in: none"):
        adopt(tmp_path / "source", tiny, tmp_path / "out")
    for name in ("one", "two"):
        save_adapter(tiny, tmp_path / "source" / name)
    with pytest.raises(DamagedInput, match="found in: one, two"):
        adopt(tmp_path / "source", tiny, tmp_path / "out2")
