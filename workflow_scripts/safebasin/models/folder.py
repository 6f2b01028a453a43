"""A checkpoint folder: what may lie in it, and its canonical files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from safebasin.errors import DamagedInput
from safebasin.store.canonical import Json
from safebasin.store.writers import write_json, write_safetensors

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

CHAT_SETTINGS = "chat_settings.json"
"""How the chat template is used (``templates.settings``)."""

SETTINGS_FILES: tuple[str, ...] = (
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "tokenizer.model",
    "vocab.json",
    "merges.txt",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.jinja",
    CHAT_SETTINGS,
)
"""Names of the files beside the weights."""
CHECKPOINT_FILES: tuple[str, ...] = (
    *SETTINGS_FILES,
    "model.safetensors",
    "model.safetensors.index.json",
    "model-*-of-*.safetensors",
)
"""Patterns of the files a checkpoint artifact may hold."""

ABOUT_THE_RUN = (
    "_name_or_path",
    "_model_name_or_path",
    "_from_model_config",
    "transformers_version",
    "quantization_config",
    "is_local",
    "local_files_only",
    "name_or_path",
    "attn_implementation",
    "_attn_implementation",
    "_attn_implementation_autoset",
    "_experts_implementation",
    "output_attentions",
    "output_hidden_states",
    "return_dict",
    "torchscript",
)
"""Keys that tell where a model came from, what wrote it, by which kernels another machine ran it
and what it handed out there, and nothing of what it computes."""


def read_settings(path: Path) -> dict[str, Json]:
    """Return the JSON object in ``path``.

    Raises:
        DamagedInput: it is missing or no JSON object.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DamagedInput(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(value, dict):
        raise DamagedInput(f"{path} holds a {type(value).__name__}; an object is right")
    return value


def refuse_remote_code(folder: Path) -> None:
    """Raise where a checkpoint would need Python code of its own to load.

    Raises:
        DamagedInput: a config names such code (``auto_map``).
    """
    for name in ("config.json", "tokenizer_config.json"):
        path = folder / name
        if path.exists() and "auto_map" in read_settings(path):
            raise DamagedInput(
                f"{path} names code to run (auto_map), and no code of a checkpoint is ever run; "
                "a checkpoint of an architecture that transformers itself knows is right"
            )


def write_settings(path: Path, settings: Mapping[str, Json]) -> None:
    """Write a config without the keys that differ from run to run.

    Raises:
        DamagedInput: a text in it is none (half a surrogate pair), or a number (NaN, Infinity).
    """
    kept = {key: value for key, value in settings.items() if key not in ABOUT_THE_RUN}
    try:
        write_json(path, kept)
    except UnicodeEncodeError as error:
        raise DamagedInput(f"{path}: what it is to hold is no text: {error.reason}") from None
    except ValueError as error:
        raise DamagedInput(f"{path}: what it is to hold is no JSON: {error}") from None


def write_checkpoint(
    folder: Path, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase
) -> None:
    """Write model and tokenizer as a checkpoint that loads with ``from_pretrained``.

    Tied matrices are written once, under the name of the embedding, as transformers does.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_safetensors(folder / "model.safetensors", untied_tensors(model))
    config = json.loads(model.config.to_json_string(use_diff=True))
    kind = str(model.dtype).removeprefix("torch.")
    write_settings(
        folder / "config.json",
        {**config, "architectures": [type(model).__name__], "dtype": kind},
    )
    if model.generation_config is not None:
        decoding = json.loads(model.generation_config.to_json_string())
        write_settings(folder / "generation_config.json", decoding)
    write_tokenizer(folder, tokenizer)


def untied_tensors(model: PreTrainedModel) -> dict[str, Tensor]:
    """Return name to tensor, each storage once (the first name in the model's order)."""
    seen: set[int] = set()
    tensors = {}
    for name, tensor in model.state_dict().items():
        if tensor.data_ptr() not in seen or tensor.numel() == 0:
            seen.add(tensor.data_ptr())
            tensors[name] = tensor
    return tensors


def write_tokenizer(folder: Path, tokenizer: PreTrainedTokenizerBase) -> None:
    """Write tokenizer and chat template, without the paths that the library puts in."""
    tokenizer.save_pretrained(str(folder))
    path = folder / "tokenizer_config.json"
    write_settings(path, read_settings(path))
