from __future__ import annotations

import json
from collections.abc import Iterator
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from safebasin.commands.schema import schema_text
from safebasin.errors import StudyError
from safebasin.study.config import Study
from safebasin.study.load import NULL_IS_A_VALUE, load_study, merge
from safebasin.study.yaml_reader import read_yaml

from .conftest import ROOT


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-4", 1e-4),
        ("5e5", 5e5),
        ("1.5", 1.5),
        ("3", 3),
        ("-2", -2),
        ("yes", True),
        ("1_000", 1000),
    ],
)
def test_a_number_is_read_as_people_write_it(tmp_path, text, value):
    path = tmp_path / "a.yaml"
    path.write_text(f"x: {text}\n")
    assert read_yaml(path) == {"x": value}


def test_an_anchor_may_be_merged_and_what_stands_beside_it_wins(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\n")
    assert read_yaml(path)["b"] == {"x": 1, "y": 3}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\na: 2\n", "twice"),
        ("a: {b: 1, b: 2}\n", "twice"),
        ("a: [1\n", "not YAML"),
        ("- a\n", "mapping"),
        ("", "mapping"),
        ("a: !!python/object:os.system {}\n", "not YAML"),
    ],
)
def test_what_is_no_study_is_refused_with_its_file(tmp_path, text, said):
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    with pytest.raises(StudyError, match=said) as caught:
        read_yaml(path)
    assert "wrong.yaml" in str(caught.value)


def test_a_layer_may_extend_another_and_null_removes_a_key(tmp_path):
    layer = tmp_path / "layer.yaml"
    layer.write_text(
        f"extends: {ROOT / 'studies' / 'smoke.yaml'}\n"
        "methods: {safe_lora: null, asft: {lambda: 2}, ridge: {lambda: 2}}\n"
        "grid: [{pairs: [tiny], tasks: [words], samples: [32], harmful_fractions: [0.25],"
        " methods: [sft, asft, ridge], seeds: [1]}]\n"
    )
    study = load_study([layer])
    assert set(study.methods) == {"sft", "asft", "ridge"}
    assert study.methods["asft"].strengths() == (2,)


def test_null_that_says_none_says_so_in_a_layer_too(tmp_path):
    layer = tmp_path / "layer.yaml"
    layer.write_text("agents: {dojo: {probe: {steering: null}}}\n")
    probe = load_study([ROOT / "studies" / "smoke.yaml", layer]).agents["dojo"].probe
    assert probe is not None
    assert probe.steering is None


def _that_may_be_null(kind: object, seen: set[object]) -> Iterator[tuple[str, str]]:
    """Yield each model and field for which null says something else than leaving it out."""
    if isinstance(kind, type) and issubclass(kind, BaseModel) and kind not in seen:
        seen.add(kind)
        for name, field in kind.model_fields.items():
            takes_null = type(None) in get_args(field.annotation)
            if takes_null and not field.is_required() and field.default is not None:
                yield kind.__name__.lower(), name
            yield from _that_may_be_null(field.annotation, seen)
    for part in get_args(kind):
        yield from _that_may_be_null(part, seen)


def test_every_key_for_which_null_is_a_value_is_known_to_the_layers():
    assert set(_that_may_be_null(Study, set())) == NULL_IS_A_VALUE


def test_a_file_that_extends_itself_is_refused(tmp_path):
    layer = tmp_path / "layer.yaml"
    layer.write_text("extends: layer.yaml\n")
    with pytest.raises(StudyError, match="extends itself"):
        load_study([layer])


trees = st.recursive(
    st.integers(), lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
)
mappings = st.dictionaries(st.sampled_from("abc"), trees, max_size=3)


@given(mappings)
def test_laying_a_study_over_itself_or_nothing_changes_nothing(study):
    assert merge(study, study) == merge(study, {}) == merge({}, study) == study


@pytest.mark.parametrize(
    "path", [*sorted((ROOT / "studies").glob("*.yaml")), ROOT / "config.yaml"], ids=lambda p: p.name
)
def test_every_study_that_is_shipped_is_valid(path):
    load_study([path])


def test_the_schema_that_editors_use_is_current():
    path = ROOT / "workflow_scripts" / "safebasin" / "study" / "study.schema.json"
    assert path.read_text(encoding="utf-8") == schema_text(), "run `make schema`"
    assert json.loads(schema_text())["additionalProperties"] is False
