"""The keys of an adapter's file against the layers that it should adapt.

PEFT loads what it recognises and warns about the rest, so an adapter whose keys are a little off
(saved from a compiled model, with the adapter's name in them, from a model without its head) is
the base model again, or part of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from safebasin.errors import StudyError
from safebasin.models.adapted_modules import AdaptedModel
from safebasin.models.adapter_config import CONFIG
from safebasin.models.adapter_files import PREFIX, tensor_name
from safebasin.models.tensor_files import TensorFile

_SHOWN = 3
_WRAPPERS = re.compile(
    r"(?:^|(?<=\.))(?:_orig_mod|module|_fsdp_wrapped_module|_checkpoint_wrapped_module)\."
)
_FACTOR = re.compile(r"(?P<module>.+)\.lora_(?P<factor>[AB])(?:\.[^.]+)?\.weight")


def check_keys(file: TensorFile, model: AdaptedModel) -> None:
    """Raise where the file holds other tensors than the factors of the adapted layers.

    Raises:
        StudyError: keys fit no adapted layer, or a layer has no factors; both are named, with
            the key that is right where it can be told.
    """
    expected = {tensor_name(name, factor) for name in model.modules for factor in "AB"}
    alien = sorted(file.tensors.keys() - expected)
    meant = {key: right for key in alien if (right := _meant(key, expected))}
    missing = sorted(expected - file.tensors.keys() - set(meant.values()))
    said = []
    if alien:
        told = [f"{key} ({_about(key, meant.get(key), model)})" for key in alien[:_SHOWN]]
        said.append(
            f"{len(alien)} keys are for no layer that {CONFIG} adapts: {_some(told, alien)}"
        )
    if missing:
        said.append(
            f"{len(missing)} factors of layers that it adapts are missing, which PEFT would leave "
            f"as they are drawn: {_some(missing[:_SHOWN], missing)}"
        )
    if said:
        raise StudyError(
            f"{file.path} does not fit: {'; '.join(said)}. Right keys are {PREFIX}<module of the "
            "checkpoint>.lora_A.weight and .lora_B.weight: save the adapter from its PeftModel on "
            "the unwrapped causal language model with model.save_pretrained(folder); if it holds "
            "other weights too, such as embeddings, merge it into its base with PEFT's "
            "merge_and_unload and give the result as a checkpoint"
        )


def _meant(key: str, expected: Iterable[str]) -> str | None:
    """Return the key of an adapted layer that differs from ``key`` only in what wraps it."""
    found = _FACTOR.fullmatch(_WRAPPERS.sub("", key))
    if found is None:
        return None
    ending = tensor_name(found["module"].removeprefix(PREFIX), found["factor"])
    return min(
        (right for right in expected if right.endswith(f".{ending.removeprefix(PREFIX)}")),
        key=len,
        default=None,
    )


def _about(key: str, meant: str | None, model: AdaptedModel) -> str:
    if meant is not None:
        return f"{meant} is right"
    found = _FACTOR.fullmatch(key)
    if found is None:
        return "no factor of a plain LoRA adapter"
    if found["module"].removeprefix(PREFIX) in model.names:
        return "for a layer that it leaves out"
    return "for a matrix that the checkpoint has not"


def _some(told: Sequence[str], items: Sequence[str]) -> str:
    more = f" and {len(items) - len(told)} more" if len(items) > len(told) else ""
    return f"{', '.join(told)}{more}"
