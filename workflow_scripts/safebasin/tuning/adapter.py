"""A new LoRA adapter on a model, and its pairs as a method sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from safebasin.models.adapter_files import PREFIX
from safebasin.models.targets import check_targets
from safebasin.tuning.objectives.objective import LoraPair
from safebasin.tuning.training import Lora

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_ADAPTER = "default"


def add_adapter(model: PreTrainedModel, lora: Lora) -> tuple[Any, list[LoraPair]]:
    """Return the model with a fresh adapter on every target, and the adapter's pairs.

    A is drawn from the global generator, which the caller has seeded; B is 0, so the model is
    unchanged. Both are fp32, whatever the type of the frozen weights.

    Raises:
        StudyError: a target does not name a linear layer in every layer of the model.
    """
    from peft import LoraConfig, get_peft_model

    check_targets(model, lora.targets, "lora.targets")
    config = LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=sorted(lora.targets),
        bias="none",
        task_type="CAUSAL_LM",
    )
    adapted = get_peft_model(model, config, autocast_adapter_dtype=True)
    pairs = [
        LoraPair(
            name=f"{name.removeprefix(PREFIX)}.weight",
            a=module.lora_A[_ADAPTER].weight,
            b=module.lora_B[_ADAPTER].weight,
            scale=lora.alpha / lora.rank,
        )
        for name, module in adapted.named_modules()
        if _ADAPTER in getattr(module, "lora_A", {})
    ]
    return adapted, sorted(pairs, key=lambda pair: pair.name)
