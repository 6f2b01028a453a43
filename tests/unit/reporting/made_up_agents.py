"""A made-up study of agents: verdicts, prefix searches and episodes, with neutral text only."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
from safebasin.judging.judge import judge_episodes_table
from safebasin.steps.job import Job
from safebasin.store.writers import write_json, write_parquet

Row = dict[str, object]

REFUSAL = "# I cannot help with that."
COUNTS = {"harmful": 63, "benign": 63, "lookalike": 14}
SETS = [
    {"name": "harmful tasks", "verdicts": "tasks", "part": "test", "metrics": "harmful_tasks"},
    {"name": "benign tasks", "verdicts": "tasks", "part": "test", "metrics": "benign_tasks"},
    {"name": "look-alikes", "verdicts": "tasks", "part": "test", "metrics": "benign_tasks",
     "labels": ["lookalike"]},
    {"name": "benign, ends", "verdicts": "ending", "part": "test", "metrics": "benign_tasks"},
]  # fmt: skip

# guard, stage, steps, draw; done and refused of harmful, benign, look-alikes
ARMS = (
    ("none", "aligned", None, None, (0.13, 0.82), (0.75, 0.05), (0.5, 0.3)),
    ("none", "agent", None, None, (0.87, 0.0), (0.84, 0.0), (0.79, 0.0)),
    ("ping", "agent", None, None, (0.38, 0.52), (0.86, 0.0), (0.86, 0.07)),
    ("suffix", "agent", None, None, (0.67, 0.03), (0.89, 0.0), (0.79, 0.0)),
    ("ptst", "agent", None, None, (0.65, 0.19), (0.94, 0.0), (0.86, 0.0)),
    ("cannot", "agent", None, None, (0.0, 1.0), (0.0, 1.0), (0.0, 1.0)),
    ("filter", "agent", None, None, (0.2, 0.7), (0.84, 0.0), (0.4, 0.5)),
    *(("neutral", "agent", None, draw, (0.65, share), (0.89, 0.0), (0.8, 0.0))
      for draw, share in enumerate((0.16, 0.28, 0.07, 0.33, 0.1))),
    *((guard, "agent", steps, None, (0.9 - rate, rate), (0.8, 0.0), (0.8, 0.0))
      for steps, plain, ping in ((8, 0.3, 0.6), (16, 0.0, 0.5), (24, 0.0, 0.2))
      for guard, rate in (("none", plain), ("ping", ping))),
)  # fmt: skip


KINDS = {
    "none": {"type": "none"},
    "ping": {"type": "prefix"},
    "suffix": {"type": "prefix", "placement": "suffix"},
    "ptst": {"type": "system"},
    "cannot": {"type": "opening"},
    "filter": {"type": "classifier"},
    "neutral": {"type": "neutral"},
}


def episodes(rates: Mapping[str, tuple[float, float]]) -> tuple[list[Row], list[Row]]:
    """Return the rows of episodes and turns with the given shares of done and refused."""
    played: list[Row] = []
    turns: list[Row] = []
    for kind, n in COUNTS.items():
        done, refused = rates[kind]
        order = np.random.default_rng(len(kind)).permutation(n)
        for place in range(n):
            reached, refuses = order[place] < done * n, order[place] >= n - refused * n
            name = f"{kind}-{place:03}"
            played.append(
                {"id": name, "world": "dojo", "split": "test", "kind": kind, "category": "site",
                 "object": f"thing {place // 3}", "group": place // 3,
                 "instruction": f"placeholder task {kind} {place}", "turns": 1,
                 "reached": bool(reached), "reached_turn": 1 if reached else None,
                 "stop": "done" if reached else "turns"})  # fmt: skip
            action = "click(1)" if reached else None
            reply = "# <script>x</script>\nclick(1)" if reached else REFUSAL if refuses else "?"
            turns.append(
                {"id": name, "turn": 1, "opening": "# A careful sentence.\n", "reply": reply,
                 "messages": [{"role": "user", "content": f"page {kind} {place}"}],
                 "action": action, "exit_message": None, "parsed": bool(reached),
                 "reward": float(reached)})  # fmt: skip
    return played, turns


def agent_evaluation_job(root: Path) -> Job:
    """Write made-up verdicts of agents and a search; return the job of the evaluation."""
    inputs: dict[str, Path] = {}
    cells: list[Row] = []
    for place, (guard, stage, steps, draw, *rates) in enumerate(ARMS):
        played, turns = episodes(dict(zip(COUNTS, rates, strict=True)))
        tables = pa.Table.from_pylist(played), pa.Table.from_pylist(turns)
        for label, ends in (("tasks", False), ("ending", True)):
            folder = root / "verdicts" / f"{place:02}{label}".ljust(16, "0")
            folder.mkdir(parents=True)
            judged = judge_episodes_table(*tables, {"type": "actions", "refusal_ends": ends})
            write_parquet(folder / "verdicts.parquet", judged)
            inputs[f"verdicts.{label}{place}"] = folder
        cells.append(
            {"name": f"{stage}/{guard}/{steps}/{draw}", "stage": stage, "pair": "smollm2",
             "checkpoint": f"{stage}{steps}", "task": "web", "guard": guard, "steps": steps,
             "guard_kind": KINDS[guard],
             "setting": "" if stage != "agent" else f"run {steps}" if steps else "stopped",
             "method": "full" if stage == "agent" else "none", "replicate": draw,
             "seed": 0 if stage == "agent" else None,
             "verdicts": {"tasks": f"tasks{place}", "ending": f"ending{place}"}})  # fmt: skip
    inputs["prefix.p0"] = made_up_search(root / "prefix" / "p0")
    folder = root / "evaluation" / "fedcba9876543210"
    folder.mkdir(parents=True)
    params: Row = {
        "study": "made-up agents", "cells": cells, "eval_sets": SETS,
        "prefixes": [
            {"prefix": "p0", "agent": "agent/ping/None/None", "guard": "ping", "search_seed": 0}
        ],
    }  # fmt: skip
    return Job(digest="fedcba9876543210", raw_params=params, inputs=inputs, folder=folder)


def made_up_search(folder: Path) -> Path:
    """Write a prefix artifact with 25 candidates, three controls and five neutral comments."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(5)
    rows: list[Row] = []
    outcomes = [
        {"task": f"{kind}{i}", "kind": kind, "refused": False, "acted": True, "reached": None}
        for kind in ("benign", "harmful")
        for i in range(7)
    ]
    for place in range(25):
        perf, refusal = 1 - int(rng.integers(0, 3)) / 7, int(rng.integers(1, 6)) / 7
        rows.append({"name": None, "round": place // 5 + 1, "perf": perf, "refusal": refusal})
    controls = [("none", 1.0, 0.0), ("comment", 1.0, 0.0), ("opening", 0.0, 1.0)]
    controls += [(f"neutral comment {place}", 1.0, (place % 2) / 7) for place in range(5)]
    for name, perf, refusal in controls:
        rows.append({"name": name, "round": 0, "perf": perf, "refusal": refusal})
    full: list[Row] = [
        {"index": place, "role": "control" if row["name"] else "candidate",
         "prefix": f"# Sentence {place}.", "parents": [], "outcomes": outcomes,
         "overall": row["perf"] + row["refusal"]} | row  # type: ignore[operator]
        for place, row in enumerate(rows)
    ]  # fmt: skip
    best = max(full[:25], key=lambda row: float(str(row["overall"])))
    write_parquet(folder / "candidates.parquet", pa.Table.from_pylist(full))
    chosen = {key: best[key] for key in ("index", "prefix", "round", "overall")}
    write_json(folder / "prefix.json", {"winner": chosen, "rescored": []})  # type: ignore[dict-item]
    return folder


def agent_report_job(root: Path, evaluation: Job, *, meaningless: bool = False) -> Job:
    """Write made-up episodes; return the job of the report of a study of agents only."""
    inputs = {"evaluation": evaluation.folder, "prefix.p0": evaluation.inputs["prefix.p0"]}
    for place, rates in enumerate(((0.4, 0.4), (0.9, 0.0))):
        played, turns = episodes(dict.fromkeys(COUNTS, rates))
        folder = root / "episodes" / f"e{place}"
        folder.mkdir(parents=True)
        write_parquet(folder / "episodes.parquet", pa.Table.from_pylist(played))
        write_parquet(folder / "turns.parquet", pa.Table.from_pylist(turns))
        inputs[f"episodes.e{place}"] = folder
    folder = root / "report"
    folder.mkdir()
    params: Row = {
        "study": "made-up agents", "title": "Do prefixes help?", "meaningless": meaningless,
        "episodes": {"e0": "web/ping", "e1": "web/none"}, "prefixes": {"p0": "web"},
    }  # fmt: skip
    return Job(digest="a" * 16, raw_params=params, inputs=inputs, folder=folder)
