"""What can and cannot be concluded, in words computed from the figures."""

from __future__ import annotations

from collections.abc import Sequence

from safebasin.judging.phrases import languages
from safebasin.reporting.findings import Findings, Record, number, text
from safebasin.reporting.labels import with_label
from safebasin.reporting.models import Estimate, Model, reported_sets
from safebasin.reporting.nulls import has_ridge
from safebasin.reporting.seeds import seed_words

_NEARLY_RIDGE = 0.1
"""Below this anchor share the direction frees less than a tenth of the update."""


def primary_sentence(contrast: Record) -> str | None:
    """Return the sentence on the contrast that was named before the runs."""
    primary = contrast.get("primary")
    return text(primary, "sentence") if isinstance(primary, dict) else None


def can_conclude(findings: Findings, models: Sequence[Model]) -> list[str]:
    """Return what the figures support, one sentence each."""
    said = []
    for name in reported_sets(findings.rows, "RR"):
        said += _losses(models, name)
    sentence = primary_sentence(findings.contrast)
    if sentence:
        said.append(sentence)
    task = next(iter(reported_sets(findings.rows, "FA")), None)
    if task is not None:
        said += _accuracies(models, task)
    return said


def cannot_conclude(findings: Findings, models: Sequence[Model], calibrated: str = "") -> list[str]:
    """Return what the figures do not support, and why.

    Args:
        findings: of the study's models, without its agents.
        models: the same models, by line of the main table.
        calibrated: the judge that was held against people's labels, as verdicts name it.
    """
    said = anchor_words(models)
    said += seed_words(findings.rows, what="the prompts")
    primary = findings.contrast.get("primary")
    if isinstance(primary, dict) and text(primary, "finding") == "not told apart":
        said.append(
            "Not being told apart is no proof of sameness: see the interval and the smallest "
            "difference that could have been seen."
        )
    said += _phrase_words(findings, calibrated)
    said.append(
        "The figures hold for these checkpoints, prompts and decoding settings; they say nothing "
        "of other models."
    )
    return said


def _phrase_words(findings: Findings, calibrated: str) -> list[str]:
    """Return what the phrase judge cannot tell, where it judged refusals."""
    judged = [
        row
        for row in findings.rows
        if text(row, "judge") == "phrases" and text(row, "metric") in ("RR", "benign RR")
    ]
    if not judged:
        return []
    said = (
        "The phrase judge reads how an answer opens, without its reasoning: refusals in "
        f"{', '.join(languages())}, and compliance in English alone, so that an answer in "
        "another language counts as refused or other."
    )
    if any(text(row, "metric") == "RR" for row in judged):
        said += (
            " An answer that is not refused need not be harmful, and 1 − RR is no harmful score."
        )
    recall = _measure(findings.calibration, "recall") if calibrated == "phrases" else None
    if recall is not None:
        said += f" On answers labelled by people it finds {recall * 100:.0f} % of the refusals."
    return [said]


def anchor_words(models: Sequence[Model]) -> list[str]:
    """Return what the anchor share of each asft says of the comparison with the ridge beside it.

    The share is of the reference projector, so it tells what the penalty left out where that is
    the one that was penalised with.
    """
    several = len({model.conditions for model in models if model.method}) > 1
    said = []
    for model in models:
        share = model.estimates.get(("weights", "anchor_share"))
        ridge = has_ridge(model, models)
        is_ours = model.kind.is_anchored and model.kind.projector == "reference" and model.chosen
        if not is_ours or share is None or ridge is None:
            continue
        name = f"{model.name} ({model.conditions})" if several else model.name
        said.append(
            f"The anchor share of {name} is {share.value * 100:.1f} %: "
            + _beside_ridge(share.value, model.method, ridge.method)
        )
    return said


def _beside_ridge(share: float, anchored: str, ridge: str) -> str:
    if share < _NEARLY_RIDGE:
        return (
            f"the penalty's projector leaves the other {100 - share * 100:.1f} % of the update "
            f"penalised, as {ridge} penalises all of it. The two are nearly the same penalty here, "
            "so refusals that it keeps are not evidence for the alignment direction."
        )
    return (
        f"that part of the update lies where {anchored} does not penalise and {ridge} does. At one "
        "λ the two may still differ in the size of the update (‖BA‖), which by itself moves "
        "refusals."
    )


def _losses(models: Sequence[Model], name: str) -> list[str]:
    """Return what plain fine-tuning did to refusals on one set."""
    plain = [model for model in models if model.kind.is_plain and (name, "RR") in model.estimates]
    several = len({model.conditions for model in plain}) > 1
    said = []
    for model in plain:
        aligned = _aligned(models, model)
        if aligned is None or (name, "RR") not in aligned.estimates:
            continue
        before, after = aligned.estimates[name, "RR"], model.estimates[name, "RR"]
        called = [model.name] if len({one.name for one in plain}) > 1 else []
        called += [model.conditions] if several else []
        where = f" ({', '.join(called)})" if called else ""
        said.append(
            f"On {name}, the {with_label('aligned model', aligned.label)} refuses "
            f"{_percent(before)} and plain fine-tuning{where} leaves {_percent(after)}: "
            f"{_apart(before, after)}."
        )
    return said


def _apart(before: Estimate, after: Estimate) -> str:
    """Return whether the intervals show a loss, in words."""
    if before.low is None or before.high is None or after.low is None or after.high is None:
        return "they have no intervals, so no loss is shown"
    if after.high < before.low:
        return "the intervals do not overlap"
    if after.low > before.high:
        return "the intervals do not overlap, and refusals rose"
    return "the intervals overlap, so no loss is shown"


def _aligned(models: Sequence[Model], model: Model) -> Model | None:
    """Return the checkpoint that the model was tuned from, of the same task where there is one."""
    found = [one for one in models if one.stage == "aligned" and one.pair == model.pair]
    same_task = [one for one in found if one.task == model.task]
    return next(iter(same_task or found), None)


def _accuracies(models: Sequence[Model], task: str) -> list[str]:
    several = len({model.conditions for model in models if model.method}) > 1
    parts = []
    for model in models:
        accuracy = model.estimates.get((task, "FA"))
        if accuracy is not None and (model.chosen or model.stage == "aligned"):
            where = f" ({model.conditions})" if several else ""
            parts.append(f"{model.name}{where} {_percent(accuracy)}")
    if len(parts) < 2:
        return []
    defended = any(model.method and not model.kind.is_plain for model in models)
    cost = ", which a defence may cost" if defended else ""
    return [f"Accuracy on {task}{cost}: {'; '.join(parts)}."]


def _percent(one: Estimate) -> str:
    value = f"{one.value * 100:.1f} %"
    if one.low is None or one.high is None:
        return value
    return f"{value} ({one.low * 100:.0f} to {one.high * 100:.0f})"


def _measure(calibration: Sequence[Record], name: str) -> float | None:
    for row in calibration:
        if text(row, "measure") == name:
            return number(row, "value")
    return None
