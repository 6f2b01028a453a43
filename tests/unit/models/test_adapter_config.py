"""What is not carried over is refused: by table, by all of PEFT's fields, and by its own matcher."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from peft import LoraConfig
from peft.utils.other import get_pattern_key
from safebasin.errors import DamagedInput
from safebasin.models.adapter_config import (
    CARRIED,
    WITHOUT_EFFECT,
    check_config,
    exact_pattern,
    value_for,
)

CONFIG: dict[str, object] = {"peft_type": "LORA", "r": 2, "lora_alpha": 6}
FIELDS = {field.name for field in dataclasses.fields(LoraConfig)}
MODULES = [
    f"{root}layers.{layer}.{part}"
    for root in ("model.", "", "x.model.")
    for layer in (0, 1, 11)
    for part in ("self_attn.q_proj", "self_attn.v_proj", "mlp.up_proj")
] + ["lm_head", "q_proj"]
PATTERNS = [
    *("q_proj", "^q_proj", "v_proj", ".*", "", "proj", "self_attn.q_proj", "self_attn", "$"),
    *("layers.1.self_attn.q_proj", r"layers\.1\..*", ".*[qv]_proj", "(q|up)_proj", "q_proj$"),
    *("^model.layers.0.self_attn.q_proj", "model.layers.0.mlp.up_proj", "^lm_head", "l.*d"),
]


def test_what_peft_saves_of_plain_lora_is_at_rest(tmp_path: Path) -> None:
    LoraConfig(r=2, target_modules=["q_proj"], task_type="CAUSAL_LM").save_pretrained(str(tmp_path))

    check_config(json.loads((tmp_path / "adapter_config.json").read_text()))


@pytest.mark.parametrize("value", [True, 1, "some", [1], {"a": 1}])
@pytest.mark.parametrize("name", [*sorted(FIELDS - CARRIED - WITHOUT_EFFECT), "of_a_later_peft"])
def test_a_key_that_is_not_carried_over_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(DamagedInput, match=f"{name} = .*merge it into the base"):
        check_config(CONFIG | {name: value})


def test_peft_knows_every_key_that_is_read() -> None:
    assert FIELDS >= CARRIED
    assert FIELDS >= WITHOUT_EFFECT


@pytest.mark.parametrize("value", [None, False, "", [], {}, 0])
def test_an_unknown_key_at_rest_asks_for_nothing(value: object) -> None:
    check_config(CONFIG | {"of_a_later_peft": value})


@pytest.mark.parametrize(
    "start",
    [
        *("pissa", "pissa_niter_16", "olora", "OLoRA", "corda", "corda_ipm", "loftq", "lora_ga"),
        *("of_a_later_peft", ["pissa"], {"type": "pissa"}, 2),
    ],
)
def test_a_start_that_changes_the_base_is_refused_with_the_cure(start: object) -> None:
    with pytest.raises(DamagedInput, match=r"init_lora_weights.*path_initial_model_for_weight"):
        check_config(CONFIG | {"init_lora_weights": start})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"peft_type": "IA3"}, "peft_type = 'IA3'"),
        ({"peft_type": None}, "peft_type = None"),
        ({"task_type": "SEQ_CLS"}, "task_type = 'SEQ_CLS'"),
        ({"bias": "lora_only"}, "bias = 'lora_only'"),
        ({"alora_invocation_tokens": []}, "alora_invocation_tokens"),
        ({"r": 0}, "r is 0"),
        ({"r": 8.0}, "r is 8.0"),
        ({"r": True}, "r is True"),
        ({"lora_alpha": float("nan")}, "lora_alpha is nan"),
        ({"lora_alpha": None}, "lora_alpha is None"),
        ({"use_rslora": "false"}, "use_rslora is 'false'"),
        ({"target_modules": [1]}, r"target_modules is \[1\]"),
        ({"target_modules": {"q_proj": 1}}, "target_modules is"),
        ({"layers_to_transform": ["1"]}, "layers_to_transform is"),
        ({"rank_pattern": {"q_proj": 2.5}}, "rank_pattern is"),
        ({"rank_pattern": ["q_proj"]}, "rank_pattern is"),
        ({"alpha_pattern": {"q_proj": "8"}}, "alpha_pattern is"),
        ({"alpha_pattern": {"q_proj)": 8}}, r"alpha_pattern: 'q_proj\)' is no regular expression"),
        ({"rank_pattern": {"*": 8}}, r"rank_pattern: '\*' is no regular expression"),
    ],
)
def test_a_value_that_is_not_right_is_named(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(DamagedInput, match=said):
        check_config(CONFIG | changes)


@pytest.mark.parametrize("missing", ["r", "lora_alpha"])
def test_a_number_that_is_missing_is_named(missing: str) -> None:
    with pytest.raises(DamagedInput, match=f"{missing} is missing"):
        check_config({key: value for key, value in CONFIG.items() if key != missing})


def test_all_faults_of_one_kind_are_named_at_once() -> None:
    with pytest.raises(DamagedInput, match=r"bias = 'all'.*lora_bias = True.*use_dora = True"):
        check_config(CONFIG | {"use_dora": True, "bias": "all", "lora_bias": True})


@given(
    module=st.sampled_from(MODULES),
    keys=st.lists(st.sampled_from(PATTERNS), unique=True, max_size=5),
)
def test_the_pattern_that_is_taken_is_the_one_that_peft_takes(module: str, keys: list[str]) -> None:
    patterns = {key: index for index, key in enumerate(keys)}

    assert value_for(module, patterns, -1) == patterns.get(get_pattern_key(keys, module), -1)


def test_an_exact_pattern_is_for_its_module_alone() -> None:
    patterns = [exact_pattern(module) for module in MODULES]

    for module in MODULES:
        for order in (patterns, patterns[::-1]):
            assert get_pattern_key(order, module) == exact_pattern(module)
