"""What can and cannot be concluded, in words computed from the figures."""

from __future__ import annotations

from collections.abc import Sequence

from safebasin.judging.phrases import languages
from safebasin.reporting.findings import Findings, Record, number, text
from safebasin.reporting.labels import with_label
from safebasin.reporting.models import Estimate, Model, reported_sets

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


def cannot_conclude(
    findings: Findings, models: Sequence[Model], *, treatment: str, control: str
) -> list[str]:
    """Return what the figures do not support, and why."""
    said = anchor_words(models, treatment, control)
    seeds = {number(row, "seed") for row in findings.rows if row.get("seed") is not None}
    if len(seeds) == 1:
        said.append(
            "There is one seed: the intervals vary the prompts only, and another training run "
            "could differ by more."
        )
    primary = findings.contrast.get("primary")
    if isinstance(primary, dict) and text(primary, "finding") == "not told apart":
        said.append(
            "Not being told apart is no proof of sameness: see the interval and the smallest "
            "difference that could have been seen."
        )
    judges = {text(row, "judge") for row in findings.rows if text(row, "metric") == "RR"}
    if "phrases" in judges:
        recall = _measure(findings.calibration, "recall")
        how = (
            ""
            if recall is None
            else (f" On answers labelled by people it finds {recall * 100:.0f} % of the refusals.")
        )
        said.append(
            "The phrase judge reads how an answer opens, without its reasoning: refusals in "
            f"{', '.join(languages())}, and compliance in English alone, so that an answer in "
            "another language counts as refused or other. An answer that is not refused need not "
            f"be harmful, and 1 − RR is no harmful score.{how}"
        )
    said.append(
        "The figures hold for these checkpoints, prompts and decoding settings; they say nothing "
        "of other models."
    )
    return said


def anchor_words(models: Sequence[Model], treatment: str, control: str) -> list[str]:
    """Return what the treatment's anchor share says of the comparison with its control."""
    several = len({model.conditions for model in models if model.method}) > 1
    said = []
    for model in models:
        share = model.estimates.get(("weights", "anchor_share"))
        if model.method != treatment or not model.chosen or share is None:
            continue
        name = f"{model.name} ({model.conditions})" if several else model.name
        opening = f"The anchor share of {name} is {share.value * 100:.1f} %: "
        if share.value < _NEARLY_RIDGE:
            said.append(
                f"{opening}the penalty's projector leaves the other "
                f"{100 - share.value * 100:.1f} % of the update penalised, as {control} penalises "
                "all of it. The two are nearly the same penalty here, so refusals that it keeps "
                "are not evidence for the alignment direction."
            )
        else:
            said.append(
                f"{opening}that part of the update lies where {treatment} does not penalise and "
                f"{control} does. At one λ the two may still differ in the size of the update "
                "(‖BA‖), which by itself moves refusals."
            )
    return said


def _losses(models: Sequence[Model], name: str) -> list[str]:
    """Return what plain fine-tuning did to refusals on one set."""
    plain = [model for model in models if model.method == "sft" and (name, "RR") in model.estimates]
    said = []
    for model in plain:
        aligned = _aligned(models, model)
        if aligned is None or (name, "RR") not in aligned.estimates:
            continue
        before, after = aligned.estimates[name, "RR"], model.estimates[name, "RR"]
        where = f" ({model.conditions})" if len(plain) > 1 else ""
        words = (
            f"On {name}, the {with_label('aligned model', aligned.label)} refuses "
            f"{_percent(before)} and plain fine-tuning{where} "
            f"leaves {_percent(after)}"
        )
        apart = after.high is not None and before.low is not None and after.high < before.low
        end = "the intervals do not overlap" if apart else "the intervals overlap"
        said.append(f"{words}: {end}{'' if apart else ', so no loss is shown'}.")
    return said


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
    return [f"Accuracy on {task}, which a defence may cost: {'; '.join(parts)}."]


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
