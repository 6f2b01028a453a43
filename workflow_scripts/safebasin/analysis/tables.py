"""The evaluation as Arrow tables and as JSON, with one schema whatever was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import pyarrow as pa

from safebasin.analysis.calibration import agreement, confusion
from safebasin.analysis.cells import MetricRow
from safebasin.analysis.choice import RULE, Choice
from safebasin.analysis.contrast import Compared, Contrast
from safebasin.analysis.evaluation import Evaluation
from safebasin.analysis.summary import SUMMARY_KEY, over_seeds
from safebasin.analysis.verdicts import Verdict
from safebasin.store.canonical import Json

_TEXT, _REAL, _WHOLE, _TRUTH = pa.string(), pa.float64(), pa.int64(), pa.bool_()

EVALUATION_SCHEMA = pa.schema(
    [
        ("study", _TEXT),
        ("stage", _TEXT),
        ("pair", _TEXT),
        ("task", _TEXT),
        ("samples", _WHOLE),
        ("harmful_fraction", _REAL),
        ("method", _TEXT),
        ("setting", _TEXT),
        ("steps", _WHOLE),
        ("guard", _TEXT),
        ("replicate", _WHOLE),
        ("seed", _WHOLE),
        ("eval_set", _TEXT),
        ("part", _TEXT),
        ("judge", _TEXT),
        ("metric", _TEXT),
        ("value", _REAL),
        ("low", _REAL),
        ("high", _REAL),
        ("n", _WHOLE),
        ("clusters", _WHOLE),
        ("chosen", _TRUTH),
        ("checkpoint", _TEXT),
        ("adapter", _TEXT),
        ("verdicts", _TEXT),
    ]
)


def evaluation_table(rows: Sequence[MetricRow]) -> pa.Table:
    """Return ``evaluation.parquet``: one row per measured cell and metric."""
    return pa.Table.from_pylist([asdict(row) for row in rows], schema=EVALUATION_SCHEMA)


def summary_table(rows: Sequence[MetricRow]) -> pa.Table:
    """Return ``summary.parquet``: the same metrics over seeds."""
    figures = [
        ("seeds", _WHOLE),
        ("mean", _REAL),
        ("deviation", _REAL),
        ("low", _REAL),
        ("high", _REAL),
        ("basis", _TEXT),
        ("chosen", _TRUTH),
    ]
    schema = pa.schema([EVALUATION_SCHEMA.field(name) for name in SUMMARY_KEY] + figures)
    records = [
        dict(zip(SUMMARY_KEY, one.key, strict=True))
        | {name: getattr(one, name) for name, _ in figures}
        for one in over_seeds(rows)
    ]
    return pa.Table.from_pylist(records, schema=schema)


def calibration_table(verdicts: Sequence[Verdict]) -> pa.Table:
    """Return ``calibration.parquet``: the confusion table, then the figures of agreement."""
    schema = pa.schema(
        [
            ("measure", _TEXT),
            ("human", _TEXT),
            ("verdict", _TEXT),
            ("n", _WHOLE),
            ("value", _REAL),
            ("low", _REAL),
            ("high", _REAL),
        ]
    )
    records: list[dict[str, object]] = [
        {"measure": "count", "human": human, "verdict": verdict, "n": count}
        for human, verdict, count in confusion(verdicts)
    ]
    for one in agreement(verdicts):
        found = one.interval
        if found is not None:
            figures = {"value": found.value, "low": found.low, "high": found.high}
            records.append({"measure": one.name, "n": found.n} | figures)
    return pa.Table.from_pylist(records, schema=schema)


def contrast_json(evaluation: Evaluation, contrast: Contrast | None) -> Json:
    """Return ``contrast.json``: the primary comparison, its parts, and every common setting."""
    compared = [_comparison(one) for one in evaluation.compared]
    return {
        "asked": asdict(contrast) | {"eval_sets": list(contrast.eval_sets)} if contrast else None,
        "primary": compared[0] if compared else None,
        "parts": compared[1:],
        "settings": [_comparison(one) for one in evaluation.by_setting],
        "note": (
            "The primary comparison was named before the runs; the others are secondary and are "
            "not corrected for their number. McNemar's p takes all pairs as independent."
        ),
    }


def choices_json(choices: Sequence[Choice]) -> Json:
    """Return ``choices.json``: the rule's text and what it chose."""
    return {
        "rule": RULE,
        "choices": [
            {
                "pair": one.condition[0],
                "task": one.condition[1],
                "samples": one.condition[2],
                "harmful_fraction": one.condition[3],
                "guard": one.condition[4],
                "methods": list(one.methods),
                "chosen": one.chosen,
                "scores": [
                    {"strength": strength, "score": score}
                    for strength, score in sorted(one.scores.items())
                ],
            }
            for one in choices
        ],
    }


def _comparison(one: Compared) -> Json:
    result: dict[str, Json] = asdict(one.result)
    return {
        "label": one.label,
        "setting": one.setting,
        "eval_sets": list(one.eval_sets),
        "sentence": one.sentence,
    } | result
