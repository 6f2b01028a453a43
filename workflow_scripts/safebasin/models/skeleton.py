"""A model as its config describes it: names, shapes and kinds of layers, and no weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safebasin.errors import DamagedInput
from safebasin.models.folder import ABOUT_THE_RUN
from safebasin.models.quiet import hush


def config_in(folder: Path) -> Any:
    """Return the config of a checkpoint folder.

    Raises:
        DamagedInput: there is none, or transformers does not know its type.
    """
    hush()
    from transformers import AutoConfig

    try:
        return AutoConfig.from_pretrained(
            str(folder), local_files_only=True, trust_remote_code=False
        )
    except Exception as error:  # each config's class checks its values in its own way
        raise DamagedInput(f"{folder}/config.json does not load: {error}") from error


def config_of(settings: Mapping[str, Any]) -> Any:
    """Return the config that the content of a ``config.json`` stands for.

    Raises:
        DamagedInput: transformers does not know its type, or its values do not fit together.
    """
    hush()
    from transformers import AutoConfig

    told = {key: value for key, value in settings.items() if key not in ABOUT_THE_RUN}
    kind = str(told.pop("model_type", ""))
    try:
        return AutoConfig.for_model(kind, **told)
    except Exception as error:  # each config's class checks its values in its own way
        raise DamagedInput(f"config.json does not load: {error}") from error


def skeleton(config: Any) -> Any:
    """Return the model of a config with names, shapes and kinds of layers, and no weights.

    Raises:
        DamagedInput: it is no causal language model, or cannot be made.
    """
    hush()
    import torch
    from transformers import AutoModelForCausalLM

    try:
        with torch.device("meta"):
            return AutoModelForCausalLM.from_config(config)  # type: ignore[no-untyped-call]
    except Exception as error:  # each model's class checks its config in its own way
        raise DamagedInput(
            f"no causal language model of type {config.model_type} can be made: {error}"
        ) from error
