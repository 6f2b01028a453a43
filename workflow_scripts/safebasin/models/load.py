"""Load a checkpoint folder, and an adapter on it: local files, safetensors, no code of theirs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from safebasin.errors import DamagedInput, MachineLacks
from safebasin.models.chat_template import mark, read_chat_settings
from safebasin.models.checkpoint_files import refuse_pickles
from safebasin.models.device import is_spread
from safebasin.models.folder import refuse_remote_code
from safebasin.models.heed import heeding
from safebasin.models.loaded_adapter import with_adapter
from safebasin.models.positions import guard_positions
from safebasin.models.quiet import hush
from safebasin.models.weights import refuse_incomplete

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerBase

Precision = Literal["float32", "bfloat16"]
_WEIGHTS = ("model.safetensors", "model.safetensors.index.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedModel:
    """A model in evaluation mode on its device, and its tokenizer."""

    model: Any
    """A ``PreTrainedModel``, or a ``PeftModel`` around one where an adapter was not merged."""
    tokenizer: PreTrainedTokenizerBase
    device: torch.device
    """Where inputs go; without an index where the model is spread over several GPUs."""


def load_model(
    folder: Path, *, device: torch.device, precision: Precision, adapter: Path | None = None
) -> LoadedModel:
    """Return the checkpoint in ``folder`` with its weights in ``precision``.

    Args:
        folder: A checkpoint artifact.
        device: Where the weights go; one without an index spreads them over all visible GPUs.
        precision: Type of the weights, whatever type they are stored in.
        adapter: A PEFT adapter. In float32 it is merged into the weights, which gives the same
            sums with fewer products. In bfloat16 it stays beside them: rounding would swallow it.
            So it does on a weight that two layers share.

    Raises:
        DamagedInput: the folder has no safetensors, names code to run, or does not load.
        MachineLacks: the GPUs that it is to be spread over have not enough memory.
    """
    check_checkpoint(folder)
    hush()
    import torch
    from transformers import AutoModelForCausalLM

    try:
        with heeding(folder):
            loaded: Any = AutoModelForCausalLM.from_pretrained(
                str(folder),
                dtype=getattr(torch, precision),
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
                device_map="balanced" if is_spread(device) else None,
                ignore_mismatched_sizes=True,
                output_loading_info=True,
            )
    except (OSError, ValueError, KeyError) as error:
        raise DamagedInput(f"{folder} does not load as a causal language model: {error}") from error
    model, told = loaded
    refuse_incomplete(folder, told)
    guard_positions(model)
    if is_spread(device):
        _check_spread(folder, model)
    if adapter is not None:
        model = with_adapter(model, adapter, merge=precision == "float32")
    if not is_spread(device):
        model = model.to(device)
    model = model.eval().requires_grad_(False)
    return LoadedModel(model=model, tokenizer=load_tokenizer(folder), device=device)


def load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """Return the checkpoint's tokenizer, which carries how its chat template is used.

    Raises:
        DamagedInput: there is none, or it does not load without code of its own.
    """
    hush()
    from transformers import AutoTokenizer

    try:
        with heeding(folder):
            tokenizer = AutoTokenizer.from_pretrained(
                str(folder), local_files_only=True, trust_remote_code=False
            )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ImportError) as error:
        raise DamagedInput(f"{folder} has no tokenizer that loads: {error}") from error
    mark(tokenizer, read_chat_settings(folder))
    return tokenizer


def check_checkpoint(folder: Path) -> None:
    """Raise where a checkpoint cannot be loaded safely, before anything is loaded.

    Raises:
        DamagedInput: no safetensors, pickled weights alone, or code of its own.
    """
    check_files(folder)
    refuse_remote_code(folder)


def check_files(folder: Path) -> None:
    """Raise where a folder is no checkpoint in safetensors.

    Raises:
        DamagedInput: no config, no safetensors, or pickled weights alone.
    """
    if not (folder / "config.json").exists():
        raise DamagedInput(f"{folder} has no config.json; a checkpoint folder has one")
    if not any((folder / name).exists() for name in _WEIGHTS):
        refuse_pickles(folder, _WEIGHTS[0])
        found = ", ".join(sorted(p.name for p in folder.glob("*.safetensors*"))) or "no safetensors"
        raise DamagedInput(f"{folder} holds neither {' nor '.join(_WEIGHTS)} ({found})")


def _check_spread(folder: Path, model: Any) -> None:
    """Raise where a part of a spread model was left outside the GPUs: it would crawl."""
    places = getattr(model, "hf_device_map", {}).values()
    outside = {str(place) for place in places} & {"cpu", "disk"}
    if outside:
        raise MachineLacks(
            f"{folder} does not fit on the visible GPUs ({', '.join(sorted(outside))} would hold "
            "the rest): grant the job more of them, or take bfloat16 weights"
        )
