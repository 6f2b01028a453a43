"""The weights that an architecture needs, against those that a checkpoint holds.

transformers gives what it does not find random values and leaves what it does not know aside.
Here both are errors. Which tensors may be absent (tied ones) or left over (old buffers) is told
by transformers' own lists, since it compares.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from safebasin.errors import DamagedInput, SafebasinError
from safebasin.models.checkpoint_files import CheckpointFiles
from safebasin.models.folder import read_settings
from safebasin.models.heed import heeding
from safebasin.models.quiet import hush
from safebasin.models.tensor_files import FLOATS

_SHOWN = 4
_PREFIXES = {
    "_orig_mod.": "saved from a model that torch.compile had wrapped",
    "module.": "saved from a model that DataParallel had wrapped",
    "base_model.model.": "saved from a PEFT model; merge the adapter (merge_and_unload) first",
    "base_model.": "saved from a wrapped model",
    "pretrained_model.": "saved from a model with a value head",
    "_fsdp_wrapped_module.": "saved from a model that FSDP had wrapped",
    "_forward_module.": "saved from a model that a trainer had wrapped",
}
_PACKED = re.compile(
    r"\.(qweight|qzeros|scales|g_idx|weight_packed|weight_scale|weight_shape|SCB)$"
)


def check_weights(folder: Path) -> None:
    """Raise where a checkpoint's tensors are not those of its architecture; no data is read.

    The model is made on the meta device, so that this takes moments whatever its size.

    Raises:
        DamagedInput: a tensor is missing, left over, of another shape or no floating-point one,
            under a name that is not the architecture's, or the config asks for another
            architecture than it names.
    """
    hush()
    from transformers import AutoModelForCausalLM

    files = CheckpointFiles(folder)
    try:
        with heeding(folder):
            loaded: Any = AutoModelForCausalLM.from_pretrained(
                str(folder),
                device_map="meta",
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
                ignore_mismatched_sizes=True,
                output_loading_info=True,
            )
    except SafebasinError:
        raise
    except Exception as error:  # each model's class checks its config in its own way
        what = f"{type(error).__name__}: {error}"
        raise DamagedInput(f"{folder} does not load as a causal language model: {what}") from error
    model, told = loaded
    refuse_incomplete(folder, told)
    _check_class(folder, model)
    needed: Mapping[str, Any] = model.state_dict()
    _check_names(folder, files, needed, model.base_model_prefix)
    _check_types(folder, files, needed)
    _check_tied(folder, files, model)


def refuse_incomplete(where: object, told: Mapping[str, Collection[Any]]) -> None:
    """Raise where transformers' loading info tells of weights that are not the file's.

    Args:
        where: What was loaded.
        told: The dictionary that ``output_loading_info`` gives.

    Raises:
        DamagedInput: weights are missing, left over or of another shape.
    """
    missing = sorted(map(str, told.get("missing_keys", ())))
    unexpected = sorted(map(str, told.get("unexpected_keys", ())))
    mismatched = sorted(map(_shapes, told.get("mismatched_keys", ())))
    errors = [str(error) for error in told.get("error_msgs", ())]
    parts = [
        f"{what} {len(names)} ({_some(names)})"
        for names, what in (
            (missing, "missing are"),
            (unexpected, "left over are"),
            (mismatched, "of another shape are"),
            (errors, "unreadable are"),
        )
        if names
    ]
    if parts:
        raise DamagedInput(
            f"{where} does not hold the weights of its architecture: {', '.join(parts)}. Nothing "
            f"is filled in: {_cure(unexpected)}"
        )


def refuse_quantised(folder: Path) -> None:
    """Raise where a checkpoint's weights are quantised: its numbers are codes, not weights.

    Raises:
        DamagedInput: its config or a file beside it says so.
    """
    config = read_settings(folder / "config.json")
    for key in ("quantization_config", "compression_config"):
        if config.get(key):
            told = config[key]
            method = told.get("quant_method") if isinstance(told, dict) else None
            raise DamagedInput(
                f"{folder}/config.json has a {key} ({method or 'no method named'}): quantised "
                "weights are codes and not read as numbers; give the checkpoint before it was "
                "quantised, or a GGUF file, which is de-quantised"
            )
    for name in ("quantize_config.json", "quant_config.json", "hf_quant_config.json"):
        if (folder / name).exists():
            raise DamagedInput(
                f"{folder} holds {name}: its weights are quantised; give the checkpoint before it "
                "was quantised"
            )


def _check_class(folder: Path, model: Any) -> None:
    """Raise where the config names another class than its ``model_type`` stands for."""
    told = read_settings(folder / "config.json").get("architectures")
    made = type(model).__name__
    names = [str(name) for name in told] if isinstance(told, list) else []
    if names and made.lower() not in {name.lower() for name in names}:
        raise DamagedInput(
            f"{folder}/config.json names the architecture {', '.join(names)}, and its model_type "
            f"{model.config.model_type!r} stands for {made}; a causal language model whose two "
            "entries agree is right"
        )


def _check_names(
    folder: Path, files: CheckpointFiles, needed: Mapping[str, Any], prefix: str
) -> None:
    """Raise where names lack the model's prefix, or have one more, which transformers reads over:
    directions and adapters are paired by name.
    """
    other = [name for name in files.names() if name not in needed]
    if bare := [name for name in other if f"{prefix}.{name}" in needed]:
        raise DamagedInput(
            f"{folder}: {len(bare)} tensors lack the prefix {prefix + '.'!r} ({_some(bare)}), as "
            "AutoModel saves them; load it with AutoModelForCausalLM and save it again"
        )
    if longer := [name for name in other if any(end in needed for end in _endings(name))]:
        raise DamagedInput(
            f"{folder}: {len(longer)} tensors have a prefix before the architecture's own names "
            f"({_some(longer)}); load it with AutoModelForCausalLM and save it again"
        )


def _endings(name: str) -> Iterator[str]:
    parts = name.split(".")
    return (".".join(parts[at:]) for at in range(1, len(parts)))


def _check_types(folder: Path, files: CheckpointFiles, needed: Mapping[str, Any]) -> None:
    odd = [
        f"{name}: {files.stored(name).dtype}"
        for name, weight in needed.items()
        if name in files and weight.is_floating_point() and files.stored(name).dtype not in FLOATS
    ]
    if odd:
        raise DamagedInput(
            f"{folder}: {len(odd)} weights are not stored in floating point ({_some(odd)}); one "
            f"of {', '.join(FLOATS)} is right: give the checkpoint before it was quantised"
        )


def _check_tied(folder: Path, files: CheckpointFiles, model: Any) -> None:
    """Raise where weights that the config ties are stored with different values."""
    import torch

    if not model.config.get_text_config().tie_word_embeddings:
        return
    for name, source in (getattr(model, "_tied_weights_keys", None) or {}).items():
        if name in files and source in files:
            if torch.equal(files.read(name), files.read(source)):
                continue
            raise DamagedInput(
                f"{folder}: {name} and {source} differ, and config.json ties them "
                "(tie_word_embeddings); set it to false, or leave out the one that is not used"
            )


def _shapes(entry: Any) -> str:
    """Return a mismatch as words: the name, then the file's and the architecture's shapes."""
    if isinstance(entry, str):
        return entry
    name, stored, needed = entry
    return f"{name} {tuple(stored)}, not {tuple(needed)}"


def _some(names: Collection[str]) -> str:
    shown = list(names)[:_SHOWN]
    return ", ".join(shown) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")


def _cure(unexpected: Collection[str]) -> str:
    """Return what would be right, told by the names that were found."""
    if any(_PACKED.search(name) for name in unexpected):
        return "the weights are quantised; give the checkpoint before it was quantised"
    for prefix, story in _PREFIXES.items():
        if any(name.startswith(prefix) for name in unexpected):
            return f"names begin with {prefix!r}, {story}; save the bare model with save_pretrained"
    return "config.json and weights of one checkpoint, as save_pretrained writes them, are right"
