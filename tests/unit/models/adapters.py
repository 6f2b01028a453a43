"""Adapters as PEFT itself makes and saves them, with random factors."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safebasin.models.adapter_files import read_config
from safebasin.models.tensor_files import TensorFile
from safebasin.store.writers import write_safetensors
from torch import Tensor
from transformers import AutoModelForCausalLM

TOKENS = torch.tensor([[5, 100, 200, 250, 40, 41, 77, 33, 21, 9, 210, 31]])


def base_model(checkpoint: Path, dtype: torch.dtype = torch.float32) -> Any:
    return AutoModelForCausalLM.from_pretrained(checkpoint, dtype=dtype).eval()


def save_adapter(checkpoint: Path, folder: Path, **settings: Any) -> Path:
    """Save an adapter whose factors were changed after it was made, as training would."""
    settings = {"r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "v_proj"]} | settings
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(7)
        model = get_peft_model(
            base_model(checkpoint), LoraConfig(task_type="CAUSAL_LM", **settings)
        )
        for name, factor in model.named_parameters():
            if ".lora_" in name:
                factor.data += torch.randn(factor.shape) / 4
        model.save_pretrained(folder, save_embedding_layers=False)
    return folder


def peft_model(checkpoint: Path, adapter: Path, dtype: torch.dtype = torch.float32) -> Any:
    """The model that PEFT makes of the folder, its adapter beside the weights."""
    return PeftModel.from_pretrained(base_model(checkpoint, dtype), str(adapter)).eval()


def logits(model: Any) -> Tensor:
    with torch.no_grad():
        return model(input_ids=TOKENS).logits.float()


def read_tensors(folder: Path) -> dict[str, Tensor]:
    file = TensorFile(folder / "adapter_model.safetensors")
    return {key: file.read(key) for key in file.tensors}


def rewrite(folder: Path, tensors: dict[str, Tensor]) -> None:
    write_safetensors(folder / "adapter_model.safetensors", tensors)


def reconfigure(folder: Path, **changes: Any) -> None:
    """Change keys of the config; their order stays as given here, which PEFT's writer sorts."""
    config = read_config(folder) | changes
    (folder / "adapter_config.json").write_text(json.dumps(config))
