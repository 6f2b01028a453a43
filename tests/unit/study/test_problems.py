"""What is wrong with a study is said at once, with key, value and cure."""

from __future__ import annotations

import copy

import pytest
from safebasin.errors import StudyError
from safebasin.study.load import validate

CASES = {
    "unknown key": ("generation.batchsize", 4, "generation.batchsize", "batch_size"),
    "unknown key at the top": ("colour", "red", "colour", "no such key"),
    "one value where a list is needed": (
        "grid.0.seeds",
        3,
        "grid.0.seeds: 3",
        "a list is needed, as in [3]",
    ),
    "wrong type": ("training.steps", "many", "training.steps", "integer"),
    "number as text": ("training.learning_rate", "1e-3", "training.learning_rate", "number"),
    "unknown pair": ("grid.0.pairs", ["tinny"], "grid.0.pairs", "did you mean 'tiny'"),
    "unknown method": ("grid.0.methods", ["stf", "sft"], "grid.0.methods", "did you mean 'sft'"),
    "unknown base": ("pairs.tiny.base", "nothing", "pairs.tiny.base", "known are"),
    "unknown corpus": (
        "splits.everything.corpora",
        ["requests", "word"],
        "splits.everything",
        "'words'",
    ),
    "unknown judge": ("prompts.requests.judge", "phrase", "prompts.requests.judge", "'phrases'"),
    "unknown source": ("corpora.words.source", "web", "corpora.words.source", "none is defined"),
    "repeated entry": ("grid.0.methods", ["sft", "sft"], "grid.0.methods", "twice"),
    "empty list in the grid": ("grid.0.seeds", [], "grid.0.seeds", "at least 1"),
    "unknown type of judge": (
        "judges.words.type",
        "lable",
        "judges.words.type: 'lable'",
        "did you mean 'label'? (a plugin is ./file.py:Class)",
    ),
    "two parameters swept": (
        "methods",
        {"m": {"type": "./m.py:M", "sweep": {"a": [1, 2], "b": [1, 2]}}},
        "methods.m.sweep",
        "at most 1 item",
    ),
    "mapping where a list is needed": ("grid", {"seeds": [0]}, "grid", "a list is needed"),
    "word where a mapping is needed": (
        "corpora.words",
        "words",
        "corpora.words: 'words'",
        "a mapping is needed, as in `{key: value}`; its keys are: harmful, reader, source",
    ),
    "word for a key that no study has": ("extend", "x.yaml", "extend", "did you mean 'extends'?"),
    "package without a version": (
        "sources",
        {"m": {"pypi": "name", "files": ["*"]}},
        "sources.m.pypi: 'name'",
        "name==1.2.3",
    ),
    "repository without an owner": (
        "sources",
        {"m": {"hub": {"repo": "name", "revision": "unlocked"}, "files": ["*"]}},
        "sources.m.hub.repo: 'name'",
        "owner/name",
    ),
    "fraction above 1": (
        "grid.0.harmful_fractions",
        [1.5],
        "grid.0.harmful_fractions.0",
        "less than or equal to 1",
    ),
    "negative fraction": (
        "grid.0.harmful_fractions",
        [-0.1],
        "grid.0.harmful_fractions.0",
        "greater than or equal",
    ),
    "λ = 0": ("methods.asft.lambda", 0, "methods.asft.lambda", "plain SFT"),
    "λ = 0 in a list": ("methods.asft.lambda", [1, 0], "methods.asft.lambda", "plain SFT"),
    "asft without ridge": (
        "grid.0.methods",
        ["sft", "asft"],
        "grid.0.methods",
        "add a ridge at λ = 1",
    ),
    "asft and ridge at other λ": (
        "methods.ridge.lambda",
        2,
        "grid.0.methods",
        "add a ridge at λ = 1",
    ),
    "unknown type of method": ("methods.sft.type", "sfft", "methods.sft.type", "mean 'sft'?"),
    "method without a type": ("methods.sft.type", None, "methods.sft", "`type` is needed"),
    "misspelt choice": ("methods.asft.projector", "exakt", "methods.asft.projector", "'exact'?"),
    "key of another place": (
        "methods.sft.lambda",
        1,
        "methods.sft.lambda",
        "no such key; known are: training, type",
    ),
    "misspelt key far inside": (
        "agents.dojo.tunings.stopped.stop.evry",
        4,
        "agents.dojo.tunings.stopped.stop.evry",
        "did you mean 'every'?",
    ),
    "misspelt key in a list": ("grid.0.sampels", [3], "grid.0.sampels", "did you mean 'samples'?"),
    "negative threshold": (
        "methods.safe_lora.threshold",
        -1,
        "methods.safe_lora.threshold: -1",
        "greater than or equal to 0",
    ),
    "threshold above every cosine": (
        "methods.safe_lora.threshold",
        1.1,
        "methods.safe_lora.threshold: 1.1",
        "less than or equal to 1",
    ),
    "safe_lora of itself": (
        "methods.safe_lora.of",
        "safe_lora",
        "methods.safe_lora.of",
        "trains an adapter",
    ),
    "safe_lora with two rules": (
        "methods.safe_lora.matrices",
        3,
        "methods.safe_lora.threshold",
        "exactly one",
    ),
    "method without its direction": (
        "pairs.tiny",
        {"aligned": "tiny-aligned"},
        "grid.0.methods",
        "no base",
    ),
    "aligned is base": ("pairs.tiny.base", "tiny-aligned", "pairs.tiny.base", "no direction"),
    "choice on test rows": ("choice.refusal", ["requests"], "choice", "part dev"),
    "choice by accuracy on refusals": (
        "choice.accuracy",
        "requests dev",
        "choice.accuracy: 'requests dev'",
        "`metrics: accuracy` is needed; this one has `refusal`",
    ),
    "contrast of refusals on a task": (
        "contrast.eval_sets",
        ["requests", "words"],
        "contrast.eval_sets: 'words'",
        "`metrics: refusal` is needed; this one has `accuracy`",
    ),
    "harm by a judge of wordings": (
        "eval_sets.requests.metrics",
        "harm",
        "eval_sets.requests.metrics: 'harm'",
        "is of the type phrases; use a plugin ./file.py:Class",
    ),
    "refusals by a judge of labels": (
        "eval_sets.words.metrics",
        "benign",
        "eval_sets.words.metrics: 'benign'",
        "is of the type label; use the type phrases or a plugin",
    ),
    "accuracy by a judge of wordings": (
        "prompts.words.judge",
        "phrases",
        "eval_sets.words.metrics: 'accuracy'",
        "is of the type phrases; use the type label or a plugin",
    ),
    "a set of a corpus that its part has no rows of": (
        "splits.everything.parts.test",
        {"requests": 24},
        "eval_sets.words.corpora: 'words'",
        "no row of it is in test of the split everything, which has requests",
    ),
    "prompts of a corpus that their parts have no rows of": (
        "prompts.words",
        {"split": "everything", "parts": ["poison"], "corpora": ["words"], "judge": "words"},
        "prompts.words.corpora: 'words'",
        "no row of it is in poison of the split everything, which has requests",
    ),
    "more rows than there are": ("grid.0.samples", [400], "grid.0.samples", "only 40 rows"),
    "alignment without seed": (
        "checkpoints.tiny-aligned.align.training",
        {"learning_rate": 1e-3, "steps": 2},
        "checkpoints.tiny-aligned.align.training.seed",
        "seed",
    ),
    "targets of an adapter that a tiny model has not": (
        "lora.targets",
        ["q_proj", "v_prj"],
        "lora.targets: 'v_prj'",
        "did you mean 'v_proj'?",
    ),
    "targets of an alignment that a tiny model has not": (
        "checkpoints.tiny-aligned.align.targets",
        ["query_key_value"],
        "checkpoints.tiny-aligned.align.targets: 'query_key_value'",
        "it has q_proj, k_proj",
    ),
    "targets of a tuned agent that a tiny model has not": (
        "agents.dojo.tunings.stopped.targets",
        ["self_attn.q_proj", "mlp.up_prj"],
        "agents.dojo.tunings.stopped.targets: 'mlp.up_prj'",
        "did you mean 'up_proj'?",
    ),
    "spectral without rank": (
        "methods.asft.projector",
        "spectral",
        "methods.asft.rank",
        "spectral",
    ),
    "a machine's key": ("store", "/data", "store", "profile"),
    "branch for a commit": (
        "sources",
        {"m": {"hub": {"repo": "a/b", "revision": "main"}, "files": ["*"]}},
        "sources.m.hub.revision",
        "40 hex",
    ),
    "source in two places": (
        "sources",
        {"m": {"pypi": "a==1", "folder": "x", "files": ["*"]}},
        "sources.m",
        "exactly one",
    ),
    "chat template without a source": (
        "checkpoints.tiny.chat_template",
        "{{ messages }}",
        "checkpoints.tiny",
        "goes with a source",
    ),
    "steps and epochs": (
        "training",
        {"learning_rate": 1e-3, "steps": 2, "epochs": 1},
        "training",
        "one of `steps` and `epochs`",
    ),
    "steps and epochs of a method": (
        "methods.sft.training",
        {"steps": 2, "epochs": 1},
        "methods.sft.training",
        "not both",
    ),
    "a falling rate without its factor": (
        "training.schedule",
        "step",
        "training",
        "`decay`, its factor, go together",
    ),
    "a factor without its rate": ("training.decay", 0.5, "training", "go together"),
    "a decay that nothing does": ("training.decay_every", 5, "training", "goes with"),
    "an alignment's rate that falls at no step": (
        "checkpoints.tiny-aligned.align.training",
        {"learning_rate": 1e-3, "steps": 2, "seed": 0, "schedule": "step", "decay": 0.5},
        "checkpoints.tiny-aligned",
        "needs `decay_every` here",
    ),
    "unknown padding": ("training.padding", "longest", "training.padding", "'max_length'"),
    "unknown order of rows": ("training.order", "random", "training.order", "'shuffled' or 'file'"),
    "an order for one method": (
        "methods.sft.training",
        {"order": "file"},
        "methods.sft.training.order",
        "no such key",
    ),
    "harm first and shuffled": ("poison.place", "first", "poison.place", "order: file"),
    "harm first in a task and shuffled": (
        "tasks.words.poison",
        {"place": "first"},
        "tasks.words.poison.place",
        "order: file",
    ),
    "template without a place": ("tasks.words.template", "Q:", "tasks.words.template", "{prompt}"),
    "text without a place": (
        "prompts.requests.text_template",
        "Q: {question}",
        "prompts.requests.text_template",
        "{prompt} is missing",
    ),
    "harm without poison": ("poison", None, "grid.0.harmful_fractions", "no `poison`"),
}


def edited(study, path, value):
    """Return a copy of ``study`` with the value at the dotted path replaced (None removes)."""
    study = copy.deepcopy(study)
    *above, last = path.split(".")
    node = study
    for key in above:
        node = node[int(key)] if key.isdigit() else node.setdefault(key, {})
    if value is None:
        node.pop(last)
    else:
        node[last] = value
    return study


@pytest.mark.parametrize("case", CASES)
def test_a_mistake_is_named_with_its_key_and_its_cure(smoke, case):
    path, value, key, cure = CASES[case]
    with pytest.raises(StudyError) as caught:
        validate(edited(smoke, path, value), "smoke.yaml")
    lines = [line for line in str(caught.value).splitlines() if key in line]
    assert lines, str(caught.value)
    assert any(cure in line for line in lines), str(caught.value)


@pytest.mark.parametrize("path", ["poison.counts", "tasks.words.poison.counts"])
def test_harmful_rows_besides_leave_all_n_to_the_task(smoke, path):
    of_36_rows = edited(smoke, "grid.0.samples", [48])
    validate(of_36_rows)
    with pytest.raises(StudyError, match="words has only 40 rows in the part train"):
        validate(edited(of_36_rows, path, "besides"))


def test_a_task_can_change_no_poison_where_there_is_none(smoke):
    changed = edited(smoke, "tasks.words.poison", {"counts": "besides"})
    with pytest.raises(StudyError, match=r"tasks\.words\.poison: None: the study has no `poison`"):
        validate(edited(changed, "poison", None))


def test_a_study_without_a_grid_a_pair_an_adapter_and_an_agent_has_nothing_to_do(smoke):
    with pytest.raises(StudyError, match="nothing to run"):
        validate({**smoke, "grid": [], "agents": {}, "pairs": {}})


@pytest.mark.parametrize("key", ["prompts", "eval_sets"])
def test_pairs_alone_need_something_to_be_evaluated_on(smoke, key):
    alone = {**smoke, "grid": [], "agents": {}, "choice": None, "contrast": None}
    validate(alone)
    with pytest.raises(StudyError, match=rf"{key}: .*pairs without a grid are evaluated"):
        validate({**alone, "eval_sets": {}, key: {}})


MISTYPED = {
    "value": ("training.steps", "many"),
    "needed value": ("lora.rank", "four"),
    "unknown key": ("generation.batchsize", 4),
    "value of a method that others name": ("methods.asft.lambda", 0),
    "two places of one list": ("grid.0.samples", ["few", "many", 32]),
    "missing key": ("training.steps", None),
}


@pytest.mark.parametrize("mistyped", MISTYPED)
def test_wrong_types_and_unknown_names_are_said_together(smoke, mistyped):
    wrong = edited(smoke, *MISTYPED[mistyped])
    with pytest.raises(StudyError) as caught:
        validate(wrong)
    alone = str(caught.value).splitlines()[1:]

    wrong = edited(edited(wrong, "prompts.requests.judge", "phrase"), "grid.0.pairs", ["tinny"])
    with pytest.raises(StudyError) as caught:
        validate(wrong)

    told = str(caught.value).splitlines()[1:]
    assert told[: len(alone)] == alone
    assert [line.split(":")[0].strip() for line in told[len(alone) :]] == [
        "prompts.requests.judge",
        "grid.0.pairs",
    ]


INDEPENDENT = {
    "missing ridge": (
        ("training.steps", "many"),
        ("grid.0.methods", ["sft", "asft"]),
        "grid.0.methods: 'asft': add a ridge at λ = 1",
    ),
    "missing direction": (
        ("lora.rank", "four"),
        ("pairs.tiny", {"aligned": "tiny-aligned"}),
        "grid.0.methods: 'asft': it needs the alignment direction",
    ),
    "aligned is base": (
        ("checkpoints.tiny.tiny.layers", "two"),
        ("pairs.tiny.base", "tiny-aligned"),
        "pairs.tiny.base: 'tiny-aligned': aligned and base are the same",
    ),
    "more rows than there are": (
        ("methods.asft.lamda", 1),
        ("grid.0.samples", [400]),
        "grid.0.samples: 400: the task words has only 40 rows",
    ),
    "harm without poison": (
        ("methods.sft.type", "sfft"),
        ("poison", None),
        "grid.0.harmful_fractions: (0.25,): harmful rows are mixed in",
    ),
    "choice on test rows": (
        ("grid.0.seed", [1]),
        ("choice.refusal", ["requests"]),
        "choice: 'requests': choices are made on the part dev",
    ),
    "safe_lora with two rules": (
        ("grid.0.samples", ["few"]),
        ("methods.safe_lora.matrices", 3),
        "methods.safe_lora.threshold: 1.0: give exactly one",
    ),
    "prefix without its control": (
        ("prompts.words.max_new_tokens", "few"),
        ("agents.dojo.guards", ["none", "ping"]),
        "agents.dojo.guards: ['none', 'ping']: add guards of the types none and neutral",
    ),
    "grid without lora": (
        ("generation.batchsize", 4),
        ("lora", None),
        "lora: None: a grid needs it",
    ),
    "machine's key": (("training.steps", "many"), ("store", "/data"), "store: '/data': this"),
}
"""A wrong type, another mistake that does not depend on it, and what is said of that one."""


@pytest.mark.parametrize("case", INDEPENDENT)
def test_a_wrong_type_hides_no_mistake_that_is_none_of_its_business(smoke, case):
    mistyped, mistake, line = INDEPENDENT[case]
    with pytest.raises(StudyError) as caught:
        validate(edited(smoke, *mistyped))
    alone = str(caught.value).splitlines()[1:]
    assert not [each for each in alone if line in each]

    with pytest.raises(StudyError) as caught:
        validate(edited(edited(smoke, *mistyped), *mistake))
    told = str(caught.value).splitlines()[1:]
    assert [each for each in told if line in each], told
    assert set(alone) <= set(told)


DEPENDENT = {
    "ridge whose λ is mistyped": ("methods.ridge.lambda", "one"),
    "ridge of an unknown type": ("methods.ridge.type", "rigde"),
    "controls neither on nor off": ("controls", "sometimes"),
    "method in the grid that is none": ("grid.0.methods", ["sft", "asft", 3]),
    "base that is no name": ("pairs.tiny.base", 3),
    "part that is none": ("splits.everything.parts.tests", {"words": 24}),
    "training without its steps": ("training.steps", None),
    "order of another kind, harm first": ("training.order", "rows"),
}
"""Mistakes in values that other checks read."""


@pytest.mark.parametrize("case", DEPENDENT)
def test_nothing_is_guessed_of_what_depends_on_a_mistyped_value(smoke, case):
    smoke["poison"]["place"] = "first"
    smoke["training"]["order"] = "file"
    with pytest.raises(StudyError) as caught:
        validate(edited(smoke, *DEPENDENT[case]))
    assert len(str(caught.value).splitlines()) == 2, str(caught.value)


def test_of_a_study_that_is_no_study_the_types_are_said(smoke):
    with pytest.raises(StudyError, match="training"):
        validate({**smoke, "training": 3, "methods": 4})


def test_without_controls_an_asft_may_stand_alone(smoke):
    alone = edited(edited(smoke, "grid.0.methods", ["sft", "asft"]), "controls", False)
    validate(edited(alone, "contrast", None))


ALONE = {
    "methods that are no mapping": ("methods", ["sft", "asft"]),
    "pairs that are no mapping": ("pairs", ["tiny"]),
    "splits that are no mapping": ("splits", "everything"),
    "names that differ in case alone": ("methods.SFT", {"type": "sft"}),
    "a judge of no type": ("judges.words.type", "labels"),
    "a list whose one entry is wrong": ("grid.0.harmful_fractions", [20]),
    "a list of one that is a wrong word": ("grid.0.pairs", ["what/ever"]),
}
"""One mistake each, which could be taken for many."""


@pytest.mark.parametrize("case", ALONE)
def test_one_mistake_is_told_once(smoke, case):
    with pytest.raises(StudyError, match="has one problem:"):
        validate(edited(smoke, *ALONE[case]))


@pytest.mark.parametrize("gone", ["asft", "ridge"])
def test_a_contrast_of_a_method_that_is_gone_is_told_of_by_the_name(smoke, gone):
    with pytest.raises(StudyError) as caught:
        validate(edited(smoke, f"methods.{gone}", None))
    told = str(caught.value)
    assert f"'{gone}': there is no such name" in told
    assert "share no setting" not in told
