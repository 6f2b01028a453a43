"""Put an adapter onto a loaded model, and see that all of it is there."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safebasin.errors import DamagedInput
from safebasin.models.adapter_files import TENSORS, open_tensors

if TYPE_CHECKING:
    from torch import Tensor


def with_adapter(model: Any, adapter: Path, *, merge: bool) -> Any:
    """Return the model with the adapter of a folder.

    Args:
        model: A ``PreTrainedModel``.
        adapter: Folder of an adapter in PEFT's layout.
        merge: Whether it goes into the weights. An adapter on a weight that another layer has
            too (an output layer tied to the embeddings) stays beside it all the same: merged it
            would change that layer as well.

    Raises:
        DamagedInput: the adapter is no plain file of tensors, or not all of it was loaded.
    """
    file = open_tensors(adapter)
    from peft import PeftModel

    try:
        adapted = PeftModel.from_pretrained(model, str(adapter), is_trainable=False)
    except (RuntimeError, ValueError, KeyError) as error:
        if isinstance(error, RuntimeError) and "state_dict" not in str(error):
            raise  # memory that ran out, say: no fault of the file
        raise DamagedInput(f"the adapter in {adapter} does not load: {error}") from error
    loaded = _factors(adapted)
    odd = sorted(loaded.keys() ^ file.tensors.keys()) or [
        key for key, factor in loaded.items() if not _equal(factor, file.read(key))
    ]
    if odd:
        raise DamagedInput(
            f"{adapter / TENSORS} does not belong to this model: {len(odd)} tensors were not "
            f"loaded or are missing, {', '.join(odd[:5])} first"
        )
    if merge and not _adapts_shared_weight(adapted):
        return adapted.merge_and_unload(safe_merge=True)
    return adapted


def _factors(adapted: Any) -> dict[str, Tensor]:
    """Return the adapter's own tensors by their keys in its file, which name no adapter."""
    name = adapted.active_adapter
    return {
        key.replace(f".{name}.", ".").removesuffix(f".{name}"): parameter
        for key, parameter in adapted.named_parameters()
        if ".lora_" in key
    }


def _equal(loaded: Tensor, stored: Tensor) -> bool:
    import torch

    return torch.equal(loaded.detach().cpu(), stored.to(loaded.dtype))


def _adapts_shared_weight(adapted: Any) -> bool:
    from peft.tuners.lora import LoraLayer

    owners = Counter(
        parameter.data_ptr() for _, parameter in adapted.named_parameters(remove_duplicate=False)
    )
    return any(
        owners[module.get_base_layer().weight.data_ptr()] > 1
        for module in adapted.modules()
        if isinstance(module, LoraLayer)
    )
