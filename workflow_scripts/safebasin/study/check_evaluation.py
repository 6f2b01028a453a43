"""What types cannot say of what is measured: judges, prompts, evaluation sets, choices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from safebasin.study.check_rows import check_rows_of
from safebasin.study.config import EvalSet, Prompts, Study
from safebasin.study.problems import Problem, did_you_mean, known

JUDGES: Mapping[str, tuple[str, ...]] = {
    "phrases": ("refusal", "benign"),
    "label": ("accuracy",),
}
"""A built-in judge's type to the metrics that its verdicts tell."""


def check_judges(study: Study) -> Iterator[Problem]:
    """Yield judges that do not exist, or lack what they judge by."""
    for name, judge in study.judges.items():
        key = f"judges.{name}"
        if ".py:" not in judge.type and judge.type not in JUDGES:
            cure = (
                f"no such judge; {did_you_mean(judge.type, JUDGES)} (a plugin is ./file.py:Class)"
            )
            yield Problem(key=f"{key}.type", value=judge.type, cure=cure)
        elif (judge.type == "label") != (judge.labels is not None):
            cure = "labels are needed by a judge of type label, and by no other"
            yield Problem(key=f"{key}.labels", value=judge.labels, cure=cure)
        yield from known(f"{key}.calibration", judge.calibration, study.corpora)


def check_prompts(study: Study) -> Iterator[Problem]:
    """Yield rows, judges and tasks of prompts that do not exist."""
    for name, prompts in study.prompts.items():
        key = f"prompts.{name}"
        yield from known(f"{key}.judge", prompts.judge, study.judges)
        yield from known(f"{key}.task", prompts.task, study.tasks)
        for part in prompts.parts:
            yield from check_rows_of(study, prompts.split, part, None, key)
        for corpus in prompts.corpora or ():
            yield from _known_in(study, prompts, prompts.parts, corpus, f"{key}.corpora")


def check_eval_sets(study: Study) -> Iterator[Problem]:
    """Yield evaluation sets that do not exist, or whose judge tells something else."""
    for name, eval_set in study.eval_sets.items():
        yield from _check_eval_set(study, name, eval_set)


def _check_eval_set(study: Study, name: str, eval_set: EvalSet) -> Iterator[Problem]:
    key = f"eval_sets.{name}"
    yield from known(f"{key}.prompts", eval_set.prompts, study.prompts)
    prompts = study.prompts.get(eval_set.prompts)
    if prompts is None:
        return
    yield from known(f"{key}.part", eval_set.part, prompts.parts)
    judge = study.judges.get(prompts.judge)
    if judge and judge.type in JUDGES and eval_set.metrics not in JUDGES[judge.type]:
        able = [
            f"the type {kind}" for kind, metrics in JUDGES.items() if eval_set.metrics in metrics
        ]
        told = " or ".join([*able, "a plugin ./file.py:Class"])
        cure = f"the judge {prompts.judge} of the prompts is of the type {judge.type}; use {told}"
        yield Problem(key=f"{key}.metrics", value=eval_set.metrics, cure=cure)
    for corpus in eval_set.corpora or ():
        if prompts.corpora is not None:
            yield from known(f"{key}.corpora", corpus, prompts.corpora)
        yield from _known_in(study, prompts, [eval_set.part], corpus, f"{key}.corpora")
    split = study.splits.get(prompts.split)
    if eval_set.corpora is None and prompts.corpora and split and eval_set.part in split.parts:
        held = split.parts[eval_set.part]
        if not {*prompts.corpora} & {*held}:
            told = f"none of {', '.join(prompts.corpora)}, which the prompts are of"
            cure = (
                f"this part of the split {prompts.split} has {', '.join(sorted(held))} and {told}"
            )
            yield Problem(key=f"{key}.part", value=eval_set.part, cure=cure)


def _known_in(
    study: Study, prompts: Prompts, parts: Sequence[str], corpus: str, key: str
) -> Iterator[Problem]:
    """Yield a problem where the corpus has no rows in any of the parts."""
    split = study.splits.get(prompts.split)
    if split is None or not set(parts) <= set(split.parts):
        return  # told already
    yield from known(key, corpus, split.corpora)
    held = {name for part, shares in split.parts.items() if part in parts for name in shares}
    if corpus in split.corpora and corpus not in held:
        told = f"has {', '.join(sorted(held))}"
        cure = f"no row of it is in {' or '.join(parts)} of the split {prompts.split}, which {told}"
        yield Problem(key=key, value=corpus, cure=cure)


def check_choice(study: Study) -> Iterator[Problem]:
    """Yield sets of the choice that are unknown, of test, or of other metrics; a missing choice."""
    if choice := study.choice:
        for name in choice.refusal:
            yield from _check_metrics(study, name, "refusal", "choice.refusal")
        yield from _check_metrics(study, choice.accuracy, "accuracy", "choice.accuracy")
        for name in (*choice.refusal, choice.accuracy):
            chosen = study.eval_sets.get(name)
            if chosen and chosen.part != "dev":
                cure = f"choices are made on the part dev; {name!r} is of the part {chosen.part}"
                yield Problem(key="choice", value=name, cure=cure)
    elif study.contrast:
        cure = "a contrast is taken at the setting that `choice` picks; say how"
        yield Problem(key="choice", value=None, cure=cure)


def check_contrast(study: Study) -> Iterator[Problem]:
    """Yield methods and sets of the contrast that are unknown, and sets without its metric."""
    if contrast := study.contrast:
        for role, name in (("treatment", contrast.treatment), ("control", contrast.control)):
            yield from known(f"contrast.{role}", name, study.methods)
        for name in contrast.eval_sets:
            yield from _check_metrics(study, name, "refusal", "contrast.eval_sets")


def _check_metrics(study: Study, name: str, metrics: str, key: str) -> Iterator[Problem]:
    yield from known(key, name, study.eval_sets)
    eval_set = study.eval_sets.get(name)
    if eval_set and eval_set.metrics != metrics:
        cure = f"a set with `metrics: {metrics}` is needed; this one has `{eval_set.metrics}`"
        yield Problem(key=key, value=name, cure=cure)
