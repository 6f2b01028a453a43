"""An adapter beside or in the weights, held against PEFT's own unmerged model."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safebasin.errors import DamagedInput
from safebasin.models.adopted_adapter import adopt_adapter
from safebasin.models.chat import ChatFormat
from safebasin.models.generate import generate_answers
from safebasin.models.load import Precision, load_model
from safebasin.models.loaded_adapter import with_adapter

from .adapters import (
    base_model,
    logits,
    peft_model,
    read_tensors,
    reconfigure,
    rewrite,
    save_adapter,
)

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def untied(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("untied") / "checkpoint"
    shutil.copytree(tiny, folder)
    config = json.loads((folder / "config.json").read_text()) | {"tie_word_embeddings": False}
    model = base_model(tiny)
    model.config.tie_word_embeddings = False
    model.lm_head.weight = torch.nn.Parameter(model.lm_head.weight.detach().clone() * 1.5)
    model.save_pretrained(folder)
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.mark.parametrize("targets", [["lm_head"], ["q_proj", "lm_head"]])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_head_tied_to_the_embeddings_is_adapted_and_these_are_not(
    targets: list[str], precision: Precision, tiny: Path, tmp_path: Path
) -> None:
    source = save_adapter(tiny, tmp_path / "source", target_modules=targets, lora_alpha=64)
    (tmp_path / "out").mkdir()
    adopt_adapter(source, tiny, tmp_path / "out", "checkpoint/0")

    for adapter in (source, tmp_path / "out"):
        loaded = load_model(tiny, device=CPU, precision=precision, adapter=adapter)
        wanted = logits(peft_model(tiny, source, getattr(torch, precision)))
        torch.testing.assert_close(logits(loaded.model), wanted, atol=1e-5, rtol=1e-5)


def test_layers_of_one_weight_are_adapted_each_by_its_own_update(
    tiny: Path, tmp_path: Path
) -> None:
    source = save_adapter(tiny, tmp_path / "source", target_modules=["q_proj"])

    def shared() -> Any:
        model = base_model(tiny)
        first, second = (layer.self_attn.q_proj for layer in model.model.layers)
        second.weight = first.weight
        return model

    ours = with_adapter(shared(), source, merge=True).eval()

    wanted = PeftModel.from_pretrained(shared(), str(source)).eval()
    torch.testing.assert_close(logits(ours), logits(wanted))


def test_answers_of_an_adapted_tied_head_are_those_of_peft(tiny: Path, tmp_path: Path) -> None:
    source = save_adapter(tiny, tmp_path / "source", target_modules=["v_proj", "lm_head"])
    loaded = load_model(tiny, device=CPU, precision="float32", adapter=source)
    chat = ChatFormat(loaded.tokenizer)
    prompts = [
        chat.prompt([{"role": "user", "content": text}])
        for text in ("a quiet lake", "seven", "an old bridge and a recipe")
    ]

    answers = generate_answers(loaded, prompts, max_new_tokens=12, batch_size=2)

    plain = peft_model(tiny, source)
    for prompt, answer in zip(prompts, answers, strict=True):
        told = plain.generate(input_ids=torch.tensor([prompt]), max_new_tokens=12, do_sample=False)
        assert answer.text == chat.text(told[0, len(prompt) :].tolist())


def test_a_head_of_its_own_is_merged(untied: Path, tmp_path: Path) -> None:
    source = save_adapter(untied, tmp_path / "source", target_modules=["q_proj", "lm_head"])

    loaded = load_model(untied, device=CPU, precision="float32", adapter=source)

    assert type(loaded.model) is type(base_model(untied))
    torch.testing.assert_close(
        logits(loaded.model), logits(peft_model(untied, source)), atol=1e-5, rtol=1e-5
    )


def test_other_layers_of_a_tied_model_are_merged(tiny: Path, tmp_path: Path) -> None:
    source = save_adapter(tiny, tmp_path / "source")

    loaded = load_model(tiny, device=CPU, precision="float32", adapter=source)

    assert type(loaded.model) is type(base_model(tiny))


@pytest.mark.parametrize(
    "change",
    [
        lambda tensors: {f"_orig_mod.{key}": tensor for key, tensor in tensors.items()},
        lambda tensors: {key: t for key, t in tensors.items() if "layers.1" not in key},
        lambda tensors: {key: t[:, :16] for key, t in tensors.items()},
    ],
)
def test_an_adapter_that_is_not_all_loaded_is_refused(
    change: object, tiny: Path, tmp_path: Path
) -> None:
    source = save_adapter(tiny, tmp_path / "source")
    assert callable(change)
    rewrite(source, change(read_tensors(source)))

    with pytest.raises(DamagedInput, match=r"does not belong to this model|does not load"):
        load_model(tiny, device=CPU, precision="float32", adapter=source)


def test_an_adapter_with_more_than_its_factors_is_refused(tiny: Path, tmp_path: Path) -> None:
    source = save_adapter(tiny, tmp_path / "source", modules_to_save=["lm_head"])
    reconfigure(source, modules_to_save=None)

    with pytest.raises(DamagedInput, match="does not belong to this model"):
        load_model(tiny, device=CPU, precision="float32", adapter=source)
