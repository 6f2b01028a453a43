"""What a study may say of its readers is what the readers take."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import TypeAdapter, ValidationError
from safebasin.corpora.readers import generated
from safebasin.corpora.readers.columns import Columns as ReadColumns
from safebasin.corpora.readers.reader import TYPES, make_reader
from safebasin.errors import StudyError
from safebasin.study.load import load_study, validate
from safebasin.study.readers import Columns, GeneratedReader, Reader

from .conftest import ROOT

MENU = {
    name: model
    for branch in get_args(get_args(Reader)[0])
    for model, tag in [get_args(branch)]
    if (name := tag.tag) != "plugin"
}
NEEDED: dict[str, dict[str, Any]] = {
    "csv": {"columns": {}},
    "jsonl": {"columns": {}},
    "parquet": {"columns": {}},
    "generated": {"generator": "smoke_task"},
}
OPTIONS = [
    {},
    {"path": "*.txt"},
    {"columns": {"prompt": "text", "group": "id"}},
    {"columns": {"promt": "text"}},
    {"columns": 3},
    {"where": {"kind": ["x", 1, True]}},
    {"exclude": {"kind": "x"}},
    {"template": "Say {prompt}"},
    {"labels": {"0": "no"}},
    {"labels": {"0": 1}},
    {"delimiter": ";"},
    {"comment": "#"},
    {"margin": 0},
    {"margin": 4.1},
    {"margin": -0.1},
    {"positive": "good"},
    {"negative": "bad"},
    {"rows": 1},
    {"rows": 0},
    {"seed": 7},
    {"seed": "seven"},
    {"generator": "over_refusal"},
    {"generator": "over_refusals"},
    {"params": {}},
    {"template": "no place"},
    {"template": "{a"},
    {"delimiter": ""},
    {"delimiter": "||"},
]


def test_the_menu_has_every_reader_and_every_generator():
    assert tuple(MENU) == TYPES
    told = GeneratedReader.model_fields["generator"].annotation
    assert get_args(told) == get_args(generated.Generator)


def test_a_table_has_the_same_columns_in_both():
    assert set(Columns.model_fields) == {field.name for field in dataclasses.fields(ReadColumns)}


@pytest.mark.parametrize("name", MENU)
def test_a_reader_has_the_same_options_in_both(name):
    reader = make_reader({"type": name, **NEEDED.get(name, {})})
    options = {field.name for field in dataclasses.fields(reader)}
    assert set(MENU[name].model_fields) - {"type"} == options


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("name", MENU)
def test_the_menu_refuses_what_the_reader_would_refuse(name, options):
    asked = {"type": name, **NEEDED.get(name, {}), **options}
    try:
        make_reader(asked)
    except StudyError:
        with pytest.raises(ValidationError):
            TypeAdapter(Reader).validate_json(json.dumps(asked))
    else:
        TypeAdapter(Reader).validate_json(json.dumps(asked))


@pytest.mark.parametrize("name", MENU)
def test_only_what_is_given_is_told_to_the_reader(name):
    asked = {"type": name, **NEEDED.get(name, {})}
    given = TypeAdapter(Reader).validate_json(json.dumps(asked)).model_dump(exclude_none=True)
    assert given == asked


READER_CASES = {
    "misspelt type": (
        {"type": "genrated"},
        "corpora.words.reader.type: 'genrated'",
        "did you mean 'generated'? (a plugin is ./file.py:Class)",
    ),
    "unknown type": ({"type": "xml"}, "reader.type: 'xml'", "known are: csv, generated, jsonl"),
    "no type": ({"path": "x"}, "corpora.words.reader: {'path': 'x'}", "its `type` is needed"),
    "no mapping": (3, "corpora.words.reader: 3", "a mapping"),
    "misspelt option": (
        {"type": "csv", "columns": {}, "delimeter": ";"},
        "corpora.words.reader.delimeter: ';'",
        "did you mean 'delimiter'?",
    ),
    "option of another reader": (
        {"type": "jsonl", "columns": {}, "rows": 3},
        "corpora.words.reader.rows: 3",
        "known are: columns, exclude, labels, path, template, type, where",
    ),
    "misspelt column": (
        {"type": "csv", "columns": {"promt": "text"}},
        "corpora.words.reader.columns.promt: 'text'",
        "did you mean 'prompt'?",
    ),
    "missing option": ({"type": "parquet"}, "corpora.words.reader.columns", "is needed"),
    "misspelt generator": (
        {"type": "generated", "generator": "smoke_tasks"},
        "corpora.words.reader.generator: 'smoke_tasks'",
        "did you mean 'smoke_task'?",
    ),
    "number as text": (
        {"type": "generated", "generator": "smoke_task", "rows": "80"},
        "corpora.words.reader.rows: '80'",
        "integer",
    ),
    "misspelt option of a plugin": (
        {"type": "./mine.py:Mine", "parms": {}},
        "corpora.words.reader.parms: {}",
        "did you mean 'params'?",
    ),
    "no class of a plugin": ({"type": "./mine.py"}, "reader.type: './mine.py'", "./file.py:Class"),
    "a file beside the source": (
        {"type": "csv", "columns": {}, "path": "../other/*.csv"},
        "corpora.words.reader.path: '../other/*.csv'",
        "within the source",
    ),
    "a file anywhere": (
        {"type": "vader_reviews", "path": "/etc/*"},
        "corpora.words.reader.path: '/etc/*'",
        "within the source",
    ),
    "no pattern": (
        {"type": "yaml_seeds", "path": ""},
        "corpora.words.reader.path: ''",
        "within the source",
    ),
    "two characters between fields": (
        {"type": "csv", "columns": {}, "delimiter": "||"},
        "corpora.words.reader.delimiter: '||'",
        "one character",
    ),
    "no character between fields": (
        {"type": "csv", "columns": {}, "delimiter": ""},
        "corpora.words.reader.delimiter: ''",
        "one character",
    ),
    "a quote between fields": (
        {"type": "csv", "columns": {}, "delimiter": '"'},
        "corpora.words.reader.delimiter",
        "one character",
    ),
    "comments that are every line": (
        {"type": "csv", "columns": {}, "comment": ""},
        "corpora.words.reader.comment",
        "at least 1 character",
    ),
    "a column without a name": (
        {"type": "csv", "columns": {"prompt": ""}},
        "corpora.words.reader.columns.prompt",
        "at least 1 character",
    ),
    "a column that is a truth value": (
        {"type": "csv", "columns": {"prompt": False}},
        "corpora.words.reader.columns.prompt: False",
        "put the word in quotes",
    ),
    "a filter of nothing": (
        {"type": "csv", "columns": {}, "where": {"kind": []}},
        "corpora.words.reader.where.kind: []",
        "at least one value",
    ),
    "a filter by a structure": (
        {"type": "csv", "columns": {}, "where": {"kind": [{"a": 1}]}},
        "corpora.words.reader.where.kind.0",
        "valid",
    ),
    "a template without a place": (
        {"type": "csv", "columns": {}, "template": "Say it"},
        "corpora.words.reader.template: 'Say it'",
        "no place",
    ),
    "a template with half a place": (
        {"type": "csv", "columns": {}, "template": "Say {prompt"},
        "corpora.words.reader.template: 'Say {prompt'",
        "the '{' at character 5 has no partner",
    ),
    "a template with an empty place": (
        {"type": "csv", "columns": {}, "template": "Say {}"},
        "corpora.words.reader.template: 'Say {}'",
        "a place is empty",
    ),
    "a template without the prompt": (
        {"type": "csv", "columns": {"prompt": "q"}, "template": "Say {kind}"},
        "corpora.words.reader.template: 'Say {kind}'",
        "no place for the prompt",
    ),
    "snippets without a place": (
        {"type": "vader_reviews", "template": "Positive?"},
        "corpora.words.reader.template: 'Positive?'",
        "{prompt} is missing",
    ),
    "a prompt and turns": (
        {"type": "csv", "columns": {"prompt": "q", "messages": "m"}},
        "corpora.words.reader.columns.prompt: 'q'",
        "name one of them",
    ),
    "a template of turns": (
        {"type": "csv", "columns": {"messages": "m"}, "template": "{prompt}"},
        "corpora.words.reader.template: '{prompt}'",
        "no effect",
    ),
    "a label without letters": (
        {"type": "csv", "columns": {"label": "kind"}, "labels": {"0": ""}},
        "corpora.words.reader.labels.0: ''",
        "at least 1 character",
    ),
    "words for no column": (
        {"type": "csv", "columns": {}, "labels": {"0": "animal"}},
        "corpora.words.reader.labels: {'0': 'animal'}",
        "columns: {label",
    ),
    "no source to read": (
        {"type": "csv", "columns": {}},
        "corpora.words.source: None",
        "a reader of type csv needs a source",
    ),
}


@pytest.mark.parametrize("case", READER_CASES)
def test_a_mistake_in_a_reader_is_found_with_the_study(smoke, case):
    smoke["corpora"]["words"]["reader"], key, cure = READER_CASES[case]
    if case != "no source to read":
        smoke["sources"] = {"files": {"folder": "data", "files": ["*"]}}
        smoke["corpora"]["words"]["source"] = "files"
    with pytest.raises(StudyError) as caught:
        validate(smoke)
    _, line = str(caught.value).splitlines()
    assert key in line
    assert cure in line


@pytest.mark.parametrize("written", ["\\t", "\t"])
def test_a_tab_may_be_written_in_both_ways(written):
    reader = TypeAdapter(Reader).validate_python(
        {"type": "csv", "columns": Columns(), "delimiter": written}
    )
    assert reader.delimiter == "\t"


def test_a_plugin_reader_takes_any_params_and_needs_no_source(smoke):
    reader = {"type": "./mine.py:Mine", "params": {"depth": {"any": [1, "two"]}}}
    smoke["corpora"]["words"]["reader"] = reader
    assert validate(smoke).corpora["words"].reader.model_dump() == reader | {"files": None}


@pytest.mark.parametrize(
    "path", [*sorted((ROOT / "studies").glob("*.yaml")), ROOT / "config.yaml"], ids=lambda p: p.name
)
def test_the_readers_of_every_shipped_study_can_be_made(path: Path):
    for corpus in load_study([path]).corpora.values():
        assert make_reader(corpus.reader.model_dump())
