"""The steps around directions, run as the framework would: params in, declared files out."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import pytest
import torch
from pydantic import ValidationError
from safebasin.models.adapter_files import tensor_name, write_adapter
from safebasin.steps import adopt_adapter, extract_direction, measure_adapter, project_adapter
from safebasin.steps.job import Job
from safebasin.store.writers import write_safetensors

NAMES = [f"model.layers.{i}.self_attn.q_proj.weight" for i in range(2)]
CONFIG = {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": ["q_proj"]}
SIZES = {
    "model_type": "llama",
    "hidden_size": 8,
    "intermediate_size": 8,
    "num_hidden_layers": 2,
    "num_attention_heads": 1,
    "num_key_value_heads": 1,
    "head_dim": 6,
    "vocab_size": 11,
}


def run(step: ModuleType, folder: Path, params: Mapping[str, object], **inputs: Path) -> Path:
    folder.mkdir()
    step.run(Job(digest="0", raw_params=params, inputs=inputs, folder=folder))
    assert sorted(p.name for p in folder.iterdir()) == sorted(step.FILES)
    return folder


@pytest.fixture
def inputs(tmp_path: Path) -> dict[str, Path]:
    rng = torch.Generator().manual_seed(0)
    folders = {name: tmp_path / name for name in ("aligned", "base", "source")}
    for folder in folders.values():
        folder.mkdir()
    for role in ("aligned", "base"):
        weights = {name: torch.randn(6, 8, generator=rng) for name in NAMES}
        write_safetensors(folders[role] / "model.safetensors", weights)
        (folders[role] / "config.json").write_text(json.dumps(SIZES))
    tensors = {}
    for name in NAMES:
        tensors[tensor_name(name, "A")] = torch.randn(2, 8, generator=rng)
        tensors[tensor_name(name, "B")] = torch.randn(6, 2, generator=rng)
    write_adapter(folders["source"], CONFIG, tensors)
    return folders


def test_the_steps_chain_from_checkpoints_to_a_measured_projection(
    tmp_path: Path, inputs: dict[str, Path]
) -> None:
    direction = run(
        extract_direction,
        tmp_path / "direction",
        {"targets": ["q_proj"], "surrogate": {"type": "random_spectrum", "seed": 1}},
        aligned=inputs["aligned"],
        base=inputs["base"],
    )
    adopted = run(
        adopt_adapter,
        tmp_path / "adopted",
        {},
        source=inputs["source"],
        checkpoint=inputs["aligned"],
    )
    projected = run(
        project_adapter,
        tmp_path / "projected",
        {"matrices": 1},
        adapter=adopted,
        direction=direction,
    )
    measured = run(
        measure_adapter, tmp_path / "measured", {}, adapter=projected, direction=direction
    )

    config = json.loads((projected / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "checkpoint/aligned"
    assert json.loads((measured / "measure.json").read_text())["matrices"] == 2


def test_an_unknown_param_is_refused(tmp_path: Path, inputs: dict[str, Path]) -> None:
    job = Job(digest="0", raw_params={"targets": ["q"], "topp": 1}, inputs={}, folder=tmp_path)
    with pytest.raises(ValidationError, match="topp"):
        extract_direction.run(job)


def test_no_step_here_needs_transformers() -> None:
    code = (
        "import sys, safebasin.directions.extract, safebasin.directions.measure, "
        "safebasin.tuning.projection, safebasin.models.adopted_adapter; "
        "print('transformers' in sys.modules, 'peft' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
