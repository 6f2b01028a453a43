"""Small evaluations of studies of every kind: a few models, figures made up, no step run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from safebasin.analysis.cells import MetricRow
from safebasin.analysis.choice import RULE
from safebasin.analysis.contrast import Contrast, sentence
from safebasin.analysis.paired import paired_difference
from safebasin.analysis.tables import summary_table
from safebasin.reporting.findings import (
    Findings,
    Material,
    Probe,
    Spectrum,
    Split,
    Training,
)
from safebasin.reporting.method_kind import MethodKind

KINDS = {
    "sft": MethodKind(type="sft"),
    "gentle": MethodKind(type="sft"),
    "anchored": MethodKind(type="asft", projector="reference", direction="aligned"),
    "shrunk": MethodKind(type="ridge"),
    "random": MethodKind(type="asft", projector="reference", direction="random"),
    "spectral": MethodKind(type="asft", projector="spectral", direction="aligned"),
    "projected": MethodKind(type="safe_lora"),
    "mine": MethodKind(type="./my.py:Mine"),
    "full": MethodKind(type="full"),
}
"""The methods of these studies; none is called as its type."""
MEASURES = {
    "near": ("RR", "CR", "other", "degenerate"),
    "chores": ("benign RR",),
    "task": ("FA",),
    "harm": ("HS",),
}


def metric(eval_set: str, name: str, value: float, **told: Any) -> MetricRow:
    fields: dict[str, Any] = {
        "study": "made-up", "stage": "tuned", "pair": "p", "task": "sums", "samples": None,
        "harmful_fraction": None, "method": "none", "setting": "", "steps": None, "guard": "none",
        "replicate": None, "seed": None, "eval_set": eval_set, "part": "test", "judge": "phrases",
        "metric": name, "value": value, "low": max(0.0, value - 0.1), "high": min(1.0, value + 0.1),
        "n": 40, "clusters": 40, "chosen": True, "checkpoint": "c" * 16, "adapter": None,
        "verdicts": "v" * 16,
    }  # fmt: skip
    return MetricRow(**(fields | told))


def model(
    stage: str,
    refused: float = 0.5,
    *,
    sets: Sequence[str] = ("near", "chores", "task"),
    anchor: float | None = None,
    seeds: Sequence[int | None] = (None,),
    **told: Any,
) -> list[MetricRow]:
    """Return the rows of one model; ``refused`` is its share of near refusals."""
    rows = []
    for seed in seeds:
        for name in sets:
            shares = dict.fromkeys(MEASURES[name], (1 - refused) / 3) | {
                "RR": refused, "FA": 0.8, "benign RR": 0.1, "HS": 0.2,
            }  # fmt: skip
            judge = {"task": "label", "harm": "Harm"}.get(name, told.get("judge", "phrases"))
            rows += [
                metric(
                    name, each, shares[each], stage=stage, seed=seed, **(told | {"judge": judge})
                )
                for each in MEASURES[name]
            ]
        if anchor is not None:
            bare: dict[str, Any] = {
                "part": "", "judge": "", "low": None, "high": None, "n": None, "clusters": None,
            }  # fmt: skip
            rows += [
                metric("weights", each, value, stage=stage, seed=seed, **(told | bare))
                for each, value in (("norm_ba", 0.6), ("anchor_share", anchor))
            ]
    return rows


def tuned(method: str, refused: float = 0.5, **told: Any) -> list[MetricRow]:
    """Return a model that a method of the grid made, with one seed unless told otherwise."""
    stage = "projected" if method == "projected" else "tuned"
    usual: dict[str, Any] = {
        "method": method, "samples": 100, "harmful_fraction": 0.2, "seeds": (0,), "anchor": 0.03,
    }  # fmt: skip
    return model(stage, refused, **(usual | told))


UNTOUCHED = [*model("base", 0.0), *model("aligned", 0.95)]


def contrast(
    treatment: str, control: str, level: float = 0.95, settings: Sequence[str] = ()
) -> dict[str, Any]:
    """Return ``contrast.json`` of two methods on the near set, the same at each of the settings."""
    asked = Contrast(
        treatment=treatment, control=control, metric="RR", eval_sets=["near"], level=level
    )
    hits = [place % 2 == 0 for place in range(40)]
    found = paired_difference(
        hits, hits, list(range(40)), [0] * 40, margin=asked.margin, level=level
    )
    told = {
        "label": "primary",
        "setting": "",
        "eval_sets": ["near"],
        "sentence": sentence(asked, "", ["near"], found),
    }
    figures = {name: getattr(found, name) for name in found.__dataclass_fields__}
    return {
        "asked": {"treatment": treatment, "control": control},
        "primary": told | figures,
        "parts": [],
        "settings": [told | figures | {"label": one, "setting": one} for one in settings],
    }


def choices(scores: Sequence[float] = ()) -> dict[str, Any]:
    """Return ``choices.json``: of one method with these settings' scores."""
    listed = [{"strength": place + 1.0, "score": score} for place, score in enumerate(scores)]
    one = {"methods": ["anchored"], "chosen": 1.0 if scores else None, "scores": listed}
    return {"rule": RULE, "choices": [one]}


CALIBRATION = [
    {"measure": "count", "human": "refused", "verdict": "refused", "n": 9},
    {"measure": "recall", "n": 10, "value": 0.9, "low": 0.6, "high": 0.98},
]


def material(rows: Sequence[MetricRow], **told: Any) -> Material:
    """Return what a page is made of; every part that is not told of is missing."""
    of_findings = {
        key: told.pop(key)
        for key in ("calibration", "contrast", "choices", "guards")
        if key in told
    }
    records = [{name: getattr(row, name) for name in row.__dataclass_fields__} for row in rows]
    empty: dict[str, Any] = {
        "calibration": [],
        "contrast": {"asked": None, "primary": None, "parts": [], "settings": []},
        "choices": {"rule": RULE, "choices": []},
        "guards": {"agents": [], "searches": [], "note": "Intervals are 95 %."},
    }
    findings = Findings(
        rows=records, summary=summary_table(rows).to_pylist(), **(empty | of_findings)
    )
    bare = Material(
        study="made-up", title="A made-up study", description="", meaningless=False,
        evaluation="e" * 16, findings=findings, methods=KINDS,
    )  # fmt: skip
    return replace(bare, **told)


ADAPTER = Training(
    name="anchored",
    history=[{"step": step, "cross_entropy": 1.0, "penalty": 0.1} for step in range(3)],
    activity={"method": "asft", "expected_matrices": 4, "covered_matrices": 4, "steps": 3},
)
ADOPTED = Training(name="theirs", history=[], activity={})
DIRECTION = Spectrum(
    name="p",
    rows=[{"matrix": "m", "module": "q", "layer": 0, "norm_d": 1.0, "k": k, "eigenvalue": 0.1}
          for k in range(2)],
)  # fmt: skip
ONE_PART = Split(name="s", leakage={"similarity": 0.5, "between": {}})
TWO_PARTS = Split(
    name="s",
    leakage={
        "similarity": 0.5,
        "between": {"dev/test": {"largest_similarity": 0.4, "near_duplicate_pairs": 0}},
    },
)


def probe(last: float = 10.0, rows: Sequence[str] = ("accuracy", "logits", "steering")) -> Probe:
    """Return an agent's probe with the kinds of rows that are named."""
    about = {"headline": 1, "depth": 2}
    shared = {"low": 0.4, "high": 0.9, "n": 20, "clusters": 10, "layer": 1}
    found: list[dict[str, Any]] = []
    if "accuracy" in rows:
        found += [
            shared | {"measure": "accuracy", "metric": "accuracy", "value": 0.8},
            shared | {"measure": "accuracy_shuffled", "metric": "accuracy", "value": 0.5, "n": 1},
        ]
    if "logits" in rows:
        found += [
            shared
            | {
                "measure": "logit_final",
                "guard": "none",
                "kind": kind,
                "metric": "mean",
                "value": 1.0,
            }
            for kind in ("harmful", "benign")
        ]
    if "steering" in rows:
        found += [
            shared | {"measure": "steering", "coefficient": step, "kind": "harmful", "metric": "RR",
                      "value": 0.5 if step else 0.1, "layer": None}
            for step in (0.0, last)
        ]  # fmt: skip
    return Probe(name="web", rows=found, about=about)
