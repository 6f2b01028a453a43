"""What ``adapter_config.json`` may say: plain LoRA, and nothing that would be dropped unseen.

PEFT's config grows with every release, and a key that is read over changes what an adapter
computes without a word. So keys are not refused by a list of the bad ones: a few are carried
over, a few change nothing of a finished adapter, and any other one must be at rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from math import isfinite
from typing import TypeVar

from safebasin.errors import DamagedInput

CONFIG = "adapter_config.json"
CARRIED = frozenset(
    {
        "alpha_pattern",
        "exclude_modules",
        "init_lora_weights",
        "layers_pattern",
        "layers_to_transform",
        "lora_alpha",
        "lora_dropout",
        "peft_type",
        "r",
        "rank_pattern",
        "target_modules",
        "task_type",
        "use_rslora",
    }
)
"""Keys whose value is read; what is no right value of theirs is refused."""
WITHOUT_EFFECT = frozenset(
    {
        "auto_mapping",
        "base_model_name_or_path",
        "corda_config",
        "eva_config",
        "inference_mode",
        "loftq_config",
        "lora_ga_config",
        "megatron_core",
        "peft_version",
        "qalora_group_size",
        "revision",
        "runtime_config",
    }
)
"""Keys that change nothing of a finished adapter: names, and the settings of inits and methods
that are themselves refused or over."""
_LEAVES_THE_BASE = (None, True, False, "gaussian", "eva", "orthogonal", "mica")
"""Values of ``init_lora_weights`` that draw A and B and touch nothing else (PEFT 0.21)."""
_MERGE = (
    "merge it into the base that it was trained on, with the PEFT that wrote it "
    "(PeftModel.from_pretrained(base, folder).merge_and_unload().save_pretrained(new)), and give "
    "the result as a checkpoint"
)
_Value = TypeVar("_Value")


def check_config(config: Mapping[str, object], where: str = CONFIG) -> None:
    """Raise where a config is not one of plain LoRA on an untouched base.

    Args:
        config: ``adapter_config.json``.
        where: How messages call it.

    Raises:
        DamagedInput: a key asks for more, is unknown and not at rest, or has no right value; all
            of them are named, with how to save the adapter again.
    """
    kind = str(config.get("peft_type", "")).rsplit(".", 1)[-1]
    odd = [] if kind == "LORA" else [f"peft_type = {config.get('peft_type')!r}"]
    if config.get("task_type") not in (None, "CAUSAL_LM"):
        odd.append(f"task_type = {config['task_type']!r}")
    odd += [
        f"{key} = {value!r}"
        for key, value in sorted(config.items())
        if key not in CARRIED | WITHOUT_EFFECT and not _at_rest(key, value)
    ]
    if odd:
        raise DamagedInput(f"{where}: the adapter is no plain LoRA: {', '.join(odd)}; {_MERGE}")
    _check_start(config, where)
    _check_values(config, where)


def _at_rest(key: str, value: object) -> bool:
    """Return whether a key that is not read asks for nothing."""
    if key == "bias":
        return value in (None, "none")
    return not value and (value is None or key != "alora_invocation_tokens")


def _check_start(config: Mapping[str, object], where: str) -> None:
    start = config.get("init_lora_weights", True)
    if start not in _LEAVES_THE_BASE:
        raise DamagedInput(
            f"{where}: init_lora_weights = {start!r}: at the start of such a training PEFT changes "
            "the base too, so A and B are no update of the base as it is published. Save the "
            "adapter again as plain LoRA (model.save_pretrained(folder, "
            "path_initial_model_for_weight_conversion=<the adapter as it was before training>) "
            "turns it into one and writes init_lora_weights = true), or merge it at the end of its "
            "training (model.merge_and_unload()) and give the result as a checkpoint"
        )


def _check_values(config: Mapping[str, object], where: str) -> None:
    wrong = [
        f"{key} is {config[key]!r}; {right} is right"
        for key, (fits, right) in _RIGHT.items()
        if key in config and not fits(config[key])
    ]
    wrong += [
        f"{key} is missing; a number is right" for key in ("r", "lora_alpha") if key not in config
    ]
    if not wrong:
        for key in ("rank_pattern", "alpha_pattern"):
            wrong += _broken_patterns(key, patterns_of(config, key))
    if wrong:
        raise DamagedInput(f"{where}: {'; '.join(wrong)}")


def _broken_patterns(key: str, patterns: Iterable[str]) -> list[str]:
    wrong = []
    for pattern in patterns:
        try:
            _regex(pattern)
        except re.error as error:
            wrong.append(f"{key}: {pattern!r} is no regular expression: {error}")
    return wrong


def patterns_of(config: Mapping[str, object], key: str) -> dict[str, int | float]:
    """Return ``rank_pattern`` or ``alpha_pattern``, in the order that it is written in."""
    value = config.get(key) or {}
    assert isinstance(value, dict)
    return value


def value_for(module: str, patterns: Mapping[str, _Value], default: _Value) -> _Value:
    """Return what PEFT takes for a module: the first pattern's value that fits it, or the default.

    A pattern is a regular expression for a suffix of the module's path that begins at a dot, or
    for all of it: ``^q_proj`` fits no module below another one.
    """
    for pattern, value in patterns.items():
        if _regex(pattern).match(module):
            return value
    return default


def exact_pattern(module: str) -> str:
    """Return a pattern that fits this module and no other one, whatever stands before it."""
    return f"^{re.escape(module)}"


def _regex(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(.*\.)?({pattern})$")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _is_rank(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_names(value: object) -> bool:
    listed = isinstance(value, list | tuple | set | frozenset)
    return value is None or isinstance(value, str) or (listed and _all_are(str, value))


def _is_layers(value: object) -> bool:
    layers = value if isinstance(value, list) else [value]
    return value is None or (_all_are(int, layers) and not any(isinstance(x, bool) for x in layers))


def _all_are(kind: type, values: object) -> bool:
    assert isinstance(values, Iterable)
    return all(isinstance(value, kind) for value in values)


def _is_map(value: object, fits: object) -> bool:
    assert callable(fits)
    return value is None or (
        isinstance(value, dict) and all(isinstance(k, str) and fits(v) for k, v in value.items())
    )


_RIGHT = {
    "r": (_is_rank, "a whole number above 0"),
    "lora_alpha": (_is_number, "a number"),
    "lora_dropout": (_is_number, "a number"),
    "use_rslora": (lambda value: isinstance(value, bool) or value is None, "true or false"),
    "target_modules": (_is_names, "a name or a list of names"),
    "exclude_modules": (_is_names, "a name or a list of names"),
    "layers_pattern": (_is_names, "a name or a list of names"),
    "layers_to_transform": (_is_layers, "a layer's index or a list of them"),
    "rank_pattern": (lambda value: _is_map(value, _is_rank), "an object of whole numbers"),
    "alpha_pattern": (lambda value: _is_map(value, _is_number), "an object of numbers"),
}
