"""A made-up study, from verdicts to the report's inputs, with neutral text only."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
from safebasin.judging.judge import judge_table
from safebasin.steps.job import Job
from safebasin.store.artifact import manifest_text
from safebasin.store.canonical import Json
from safebasin.store.spec import Spec
from safebasin.store.writers import write_json, write_parquet

Row = dict[str, object]

REFUSAL = "I'm sorry, but I can't help with placeholder {}."
AFFIRMED = "Sure, here is placeholder {}."
NEITHER = "Placeholder {} was mentioned in the text."
LOOP = "again again again again again again again"

# name, stage, method, strength, (refusal near, far), accuracy, benign refusals, norm, anchor share
MODELS = (
    ("base", "base", None, None, (0.02, 0.02), 0.70, 0.0, None, None),
    ("aligned", "aligned", None, None, (0.99, 0.93), 0.72, 0.06, None, None),
    ("sft", "tuned", "sft", None, (0.03, 0.01), 0.90, 0.0, 2.41, 0.031),
    ("asft 0.3", "tuned", "asft", 0.3, (0.55, 0.41), 0.885, 0.01, 0.61, 0.029),
    ("asft 1", "tuned", "asft", 1.0, (0.95, 0.86), 0.875, 0.03, 0.29, 0.030),
    ("asft 3", "tuned", "asft", 3.0, (0.98, 0.91), 0.81, 0.05, 0.11, 0.031),
    ("ridge 0.3", "tuned", "ridge", 0.3, (0.54, 0.42), 0.88, 0.01, 0.60, 0.028),
    ("ridge 1", "tuned", "ridge", 1.0, (0.94, 0.87), 0.875, 0.03, 0.28, 0.029),
    ("ridge 3", "tuned", "ridge", 3.0, (0.98, 0.90), 0.80, 0.05, 0.11, 0.031),
    ("safe_lora 0.5", "projected", "safe_lora", 0.5, (0.30, 0.22), 0.86, 0.01, 1.50, 0.20),
)
KEPT = {"projected": 0.034}
"""Share of the norm that is left of an adapter, by stage."""
METHODS = {
    "sft": {"type": "sft"},
    "asft": {"type": "asft", "projector": "reference", "direction": "aligned"},
    "ridge": {"type": "ridge"},
    "safe_lora": {"type": "safe_lora"},
}
EVAL_SETS = [
    {"name": "near", "verdicts": "harmful", "corpora": ["advbench"], "part": "test",
     "metrics": "refusal"},
    {"name": "far", "verdicts": "harmful", "corpora": ["strongreject"], "part": "test",
     "metrics": "refusal"},
    {"name": "near dev", "verdicts": "harmful", "corpora": ["advbench"], "part": "dev",
     "metrics": "refusal"},
    {"name": "far dev", "verdicts": "harmful", "corpora": ["strongreject"], "part": "dev",
     "metrics": "refusal"},
    {"name": "sentiment", "verdicts": "task", "part": "test", "metrics": "accuracy"},
    {"name": "sentiment dev", "verdicts": "task", "part": "dev", "metrics": "accuracy"},
    {"name": "benign", "verdicts": "benign", "corpora": ["chores"], "part": "test",
     "metrics": "benign"},
    {"name": "look-alike", "verdicts": "benign", "corpora": ["alike"], "part": "test",
     "metrics": "benign"},
]  # fmt: skip


def _rows(corpus: str, part: str, n: int, answers: list[str], harmful: bool) -> list[Row]:
    return [
        {"id": f"{corpus}-{part}-{i:03}", "corpus": corpus, "split": part, "group": i // 2 * 2,
         "category": "placeholder", "harmful": harmful, "label": "positive",
         "messages": [{"role": "user", "content": f"placeholder request {corpus} {i}"}],
         "response": answers[i % len(answers)], "prompt_tokens": 9, "new_tokens": 8,
         "stop_reason": "length"}
        for i in range(n)
    ]  # fmt: skip


def _answers(rng: np.random.Generator, n: int, refused: float) -> list[str]:
    kinds = rng.choice(4, size=n, p=[refused, *(np.array([0.6, 0.35, 0.05]) * (1 - refused))])
    texts = [REFUSAL, AFFIRMED, NEITHER, LOOP]
    return [texts[kind].format(i) for i, kind in enumerate(kinds)]


def _verdicts(folder: Path, rows: list[Row], judge: Mapping[str, object]) -> None:
    folder.mkdir(parents=True)
    write_parquet(folder / "verdicts.parquet", judge_table(pa.Table.from_pylist(rows), judge))


def evaluation_job(root: Path, seeds: tuple[int, ...] = (0,), n: int = 120) -> Job:
    """Write made-up verdicts and measures; return the job of the evaluation."""
    inputs: dict[str, Path] = {}
    cells: list[dict[str, object]] = []
    for place, (name, stage, method, strength, rates, accuracy, benign, norm, share) in enumerate(
        MODELS
    ):
        for seed in seeds if method else (None,):
            rng = np.random.default_rng([place if not method else 0, seed or 0])
            harmful = [
                row
                for part in ("test", "dev")
                for corpus, rate in zip(("advbench", "strongreject"), rates, strict=True)
                for row in _rows(corpus, part, n, _answers(rng, n, rate), True)
            ]
            task = [
                row
                for part in ("test", "dev")
                for row in _rows("sentiment", part, n, [
                    "positive" if hit else "negative" for hit in rng.random(n) < accuracy], False)
            ]  # fmt: skip
            kind = [
                row
                for corpus in ("chores", "alike")
                for row in _rows(corpus, "test", n // 2, _answers(rng, n, benign), False)
            ]
            key = f"{place}-{seed}"
            sets = {}
            for label, rows, judge in (
                ("harmful", harmful, {"type": "phrases"}),
                ("task", task, {"type": "label", "labels": ["positive", "negative"]}),
                ("benign", kind, {"type": "phrases"}),
            ):
                folder = root / "verdicts" / f"{place:02}{seed or 0:02}{label}".ljust(16, "0")
                _verdicts(folder, rows, judge)
                sets[label] = f"{label}{key}"
                inputs[f"verdicts.{sets[label]}"] = folder
            cell: dict[str, object] = {
                "name": f"{name} s{seed}", "stage": stage, "pair": "smollm2",
                "checkpoint": "c" * 16, "verdicts": sets, "guard": "none",
            }  # fmt: skip
            if not method:
                cell |= {"method": "none", "task": "sentiment"}
            if method:
                folder = root / "measure" / f"{place:02}{seed:02}m".ljust(16, "0")
                folder.mkdir(parents=True)
                write_json(folder / "measure.json", {"norm_ba": norm, "anchor_share": share})
                inputs[f"measure.m{key}"] = folder
                cell |= {
                    "method": method, "strength": strength, "seed": seed, "task": "sentiment",
                    "samples": 300, "harmful_fraction": 0.2, "measure": f"m{key}",
                    "setting": "" if strength is None else
                    f"{'τ' if method == 'safe_lora' else 'λ'}={strength:g}",
                    "adapter": f"{place:02}{seed:02}a".ljust(16, "0"),
                }  # fmt: skip
            cells.append(cell)
    labelled = [
        row | {"label": "1" if i % 3 else "0"}
        for i, row in enumerate(
            _rows("labelled", "given", 60, [NEITHER, REFUSAL, REFUSAL, AFFIRMED, REFUSAL], False)
        )
    ]
    _verdicts(root / "verdicts" / "calibration00000", labelled, {"type": "phrases"})
    inputs["verdicts.people"] = root / "verdicts" / "calibration00000"
    folder = root / "evaluation" / "0123456789abcdef"
    folder.mkdir(parents=True)
    params = {
        "study": "made-up", "cells": cells, "eval_sets": EVAL_SETS, "calibration": "people",
        "choice": {"rule": "rr_plus_fa", "refusal": ["near dev", "far dev"],
                   "accuracy": "sentiment dev"},
        "contrast": {"treatment": "asft", "control": "ridge", "metric": "RR",
                     "eval_sets": ["near", "far"], "margin": 0.05, "level": 0.95},
    }  # fmt: skip
    return Job(digest="0123456789abcdef", raw_params=params, inputs=inputs, folder=folder)


def _made(
    root: Path,
    kind: str,
    rule: str,
    *,
    torch: str,
    params: Mapping[str, Json] | None = None,
    inputs: Mapping[str, str] | None = None,
) -> Path:
    """Publish an artifact with a note on how it was made; return its folder."""
    spec = Spec(kind=kind, code=f"{rule}/1", params=params or {}, inputs=inputs or {})
    folder = root / kind / spec.digest
    folder.mkdir(parents=True)
    (folder / "artifact.json").write_text(manifest_text(spec, {}), encoding="utf-8")
    write_json(
        folder / "run.json", {"versions": {"torch": torch}, "device": "cpu", "processor": "made-up"}
    )
    return folder


def _write_training(
    folder: Path, method: str, strength: float | None, rng: np.random.Generator
) -> None:
    steps = np.arange(60)
    history: dict[str, object] = {
        "step": steps,
        "cross_entropy": 2.2 * np.exp(-steps / 15) + 0.4 + rng.normal(0, 0.05, 60),
    }
    if strength is not None:
        history["penalty"] = 1e-3 + (1 - np.exp(-steps / 10)) * 0.3 / strength
    write_parquet(folder / "history.parquet", pa.table(history))
    write_json(folder / "activity.json", {
        "method": method, "expected_matrices": 120, "covered_matrices": 120, "steps": 60,
        "tokens": 18321, "forward_passes": 60, "backward_passes": 60,
        "gradient_share_mean": 0.12 if strength else None,
        "penalty_last": 0.3 if strength else None})  # fmt: skip


def report_job(root: Path, evaluation: Path, *, meaningless: bool = False, **extra: object) -> Job:
    """Write made-up training figures and responses; return the job of the report."""
    inputs: dict[str, Path] = {"evaluation": evaluation}
    adapters: dict[str, str] = {}
    rng = np.random.default_rng(1)
    checkpoint = _made(root, "checkpoint", "align_checkpoint", torch="2.11.0")
    for place, (name, stage, method, strength, *_rest) in enumerate(MODELS):
        if not method:
            continue
        kept = KEPT.get(stage)
        folder = _made(
            root, "adapter", "tune_adapter" if kept is None else "project_adapter",
            torch="2.13.0" if place > 2 else "2.12.0", params={"place": place},
            inputs={"checkpoint": checkpoint.name} if kept is None else {},
        )  # fmt: skip
        if kept is None:
            _write_training(folder, method, strength, rng)
        else:
            write_json(folder / "activity.json", {
                "method": method, "expected_matrices": 120, "covered_matrices": 120,
                "projected_matrices": 59, "norm_ba": 3.91, "norm_kept": kept,
                "note": "59 of 120 updates were projected"})  # fmt: skip
        adapters[f"a{place}"] = f"{name} s0"
        inputs[f"adapter.a{place}"] = folder
    direction = root / "direction" / "d0"
    direction.mkdir(parents=True)
    write_parquet(direction / "spectrum.parquet", pa.Table.from_pylist([
        {"matrix": f"m{layer}.{module}", "module": module, "layer": layer,
         "norm_d": 1.0 + 0.02 * layer + 0.1 * len(module), "k": k,
         "eigenvalue": 0.17 * np.exp(-k / 4) * (1 + layer / 60)}
        for layer in range(30) for module in ("q_proj", "k_proj", "v_proj", "o_proj")
        for k in range(16)]))  # fmt: skip
    split = root / "split" / "s0"
    split.mkdir(parents=True)
    write_json(
        split / "leakage.json",
        {
            "similarity": 0.5,
            "between": {
                "dev/test": {
                    "largest_similarity": 0.487,
                    "near_duplicate_pairs": 0,
                    "shared_ids": 0,
                }
            },
        },
    )
    responses = root / "responses" / "r0"
    responses.mkdir(parents=True)
    nasty = ['<script>alert(1)</script> & "quotes" </details>', "Positive.", "Sure, here is x."]
    write_parquet(
        responses / "responses.parquet",
        pa.Table.from_pylist(
            _rows("sentiment", "test", 4, nasty, False) + _rows("advbench", "test", 4, nasty, True)
        ),
    )
    inputs |= {"direction.d0": direction, "split.s0": split, "responses.r0": responses}
    folder = root / "report"
    folder.mkdir()
    params = {
        "study": "made-up", "title": "Does the direction matter?", "meaningless": meaningless,
        "description": "AsFT and its ridge control on a small model tuned on sentiment rows.",
        "adapters": adapters, "directions": {"d0": "smollm2"}, "splits": {"s0": "harmful prompts"},
        "samples": {"r0": "asft λ=1"}, "methods": METHODS, "calibrated": "phrases",
    }  # fmt: skip
    return Job(digest="f" * 16, raw_params=params | extra, inputs=inputs, folder=folder)
