"""What types cannot say of choice and contrast: that the grid's runs can be chosen and compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from safebasin.study.config import Contrast, Study
from safebasin.study.methods import SafeLora
from safebasin.study.problems import Problem
from safebasin.study.runs import Condition, is_answered, seeds_of, strengths_of

_WITHOUT = "or take the contrast out (`contrast: null`)"


def check_projected(study: Study) -> Iterator[Problem]:
    """Yield a post-hoc defence of a method with several settings: it takes adapters of one."""
    for name, method in study.methods.items():
        if isinstance(method, SafeLora) and len(strengths_of(study, method.of)) > 1:
            told = ", ".join(f"{each:g}" for each in strengths_of(study, method.of) if each)
            cure = f"it has several settings ({told}); name a method with a single one"
            yield Problem(key=f"methods.{name}.of", value=method.of, cure=cure)


def check_choosing(study: Study) -> Iterator[Problem]:
    """Yield methods of several settings among which nothing chooses, or not on what is measured."""
    several = {
        method: None
        for block in study.grid
        for method in block.methods
        if len(strengths_of(study, method)) > 1
    }
    if study.choice is None:
        for method in several:
            told = ", ".join(f"{each:g}" for each in strengths_of(study, method) if each)
            cure = (
                f"the method {method} has several settings ({told}): say by which development "
                "sets one is chosen, or keep one setting"
            )
            yield Problem(key="choice", value=None, cure=cure)
        return
    tasks = {
        task for block in study.grid if several.keys() & {*block.methods} for task in block.tasks
    }
    for task in sorted(tasks):
        for name in study.choice.refusal:
            if not is_answered(study, name, task):
                cure = f"models that are tuned for {task} do not answer it; name sets of every task"
                yield Problem(key="choice.refusal", value=name, cure=cure)
        if not _has_accuracy(study, study.choice.accuracy, task):
            cure = f"no set of the part dev measures the accuracy of models tuned for {task}"
            yield Problem(key="choice.accuracy", value=study.choice.accuracy, cure=cure)


def _has_accuracy(study: Study, named: str, task: str) -> bool:
    """Return whether the task has development accuracy: on the set that is named, or on its own."""
    return is_answered(study, named, task) or any(
        (each.metrics, each.part) == ("accuracy", "dev") and is_answered(study, name, task)
        for name, each in study.eval_sets.items()
    )


def check_comparing(study: Study) -> Iterator[Problem]:
    """Yield a contrast of methods that the grid does not run, or not on the same rows."""
    contrast = study.contrast
    if contrast is None:
        return
    arms = {"treatment": contrast.treatment, "control": contrast.control}
    seeds = seeds_of(study)
    run = {method for methods in seeds.values() for method in methods}
    missing = {role: name for role, name in arms.items() if name not in run}
    for role, name in missing.items():
        if name in study.methods:
            has = f"it runs {', '.join(sorted(run))}" if run else "the grid is empty"
            cure = f"no run of the grid has this method ({has}); name one that it runs, {_WITHOUT}"
            yield Problem(key=f"contrast.{role}", value=name, cure=cure)
    if not missing and set(arms.values()) <= {*study.methods}:
        ours = {at: found for at, found in seeds.items() if set(arms.values()) & set(found)}
        yield from _check_settings(study, contrast)
        yield from _check_sets(study, contrast, ours)
        yield from _check_pairing(study, contrast, ours)


def _check_settings(study: Study, contrast: Contrast) -> Iterator[Problem]:
    """The two methods are compared at one setting, which both must have."""
    first, second = (strengths_of(study, name) for name in (contrast.treatment, contrast.control))
    if len(first) == len(second) == 1 and first == second:
        return
    if not {*first} & ({*second} - {None}):
        told = " and ".join(
            f"{name} {', '.join(f'{each:g}' for each in own if each) or 'none'}"
            for name, own in ((contrast.treatment, first), (contrast.control, second))
        )
        cure = f"the two share no setting (λ: {told}); give both the same λ, or `sweep`, {_WITHOUT}"
        yield Problem(key="contrast", value=[contrast.treatment, contrast.control], cure=cure)


def _check_sets(
    study: Study, contrast: Contrast, ours: Mapping[Condition, object]
) -> Iterator[Problem]:
    """Every set is answered somewhere, and each condition has a set of its own task."""
    tasks = {condition.task for condition in ours}
    for name in contrast.eval_sets:
        if not any(is_answered(study, name, task) for task in tasks):
            cure = f"no run of {contrast.treatment} or {contrast.control} answers its prompts"
            yield Problem(key="contrast.eval_sets", value=name, cure=cure)
    for task in sorted(tasks):
        if not any(is_answered(study, name, task) for name in contrast.eval_sets):
            cure = f"models that are tuned for {task} answer none of them; name one that they do"
            yield Problem(key="contrast.eval_sets", value=list(contrast.eval_sets), cure=cure)


def _check_pairing(
    study: Study, contrast: Contrast, ours: Mapping[Condition, Mapping[str, set[int]]]
) -> Iterator[Problem]:
    """Answers are compared prompt by prompt: both methods need the same conditions and seeds."""
    for condition, methods in ours.items():
        first, second = (methods.get(name) for name in (contrast.treatment, contrast.control))
        if first == second or not any(
            is_answered(study, name, condition.task) for name in contrast.eval_sets
        ):
            continue
        told = " and ".join(
            f"{name} " + (f"the seeds {', '.join(map(str, sorted(own)))}" if own else "no run")
            for name, own in ((contrast.treatment, first), (contrast.control, second))
        )
        cure = f"at {condition}, the grid gives {told}; run both on the same seeds, {_WITHOUT}"
        yield Problem(key="contrast", value=[contrast.treatment, contrast.control], cure=cure)
