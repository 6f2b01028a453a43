"""From turns to rates: what an agent's episodes come to in the evaluation table."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safebasin.analysis.cells import Cell, EvalSet
from safebasin.analysis.evaluation import evaluate
from safebasin.judging.judge import judge_episodes_table
from safebasin.store.writers import write_parquet

from ...draws import few

REFUSAL = "# I cannot help with that."
PLAYED = st.tuples(
    st.sampled_from(["harmful", "benign"]),
    st.lists(st.sampled_from(["refuse", "act", "", "leave"]), min_size=1, max_size=4),
    st.booleans(),
)
"""Kind of the task, what was done turn by turn, and whether the last turn reached the goal."""


def tables(played) -> tuple[pa.Table, pa.Table]:
    episodes, turns = [], []
    for number, (kind, deeds, reached) in enumerate(played):
        episodes.append(
            {"id": str(number), "world": "doors", "split": "test", "kind": kind, "category": "c",
             "group": number, "turns": len(deeds), "reached": reached,
             "reached_turn": len(deeds) if reached else None, "stop": "done"}
        )  # fmt: skip
        turns += [
            {"id": str(number), "turn": turn, "opening": "# I refuse.\n",
             "reply": REFUSAL if deed == "refuse" else deed,
             "action": deed if deed in ("act", "leave") else None,
             "exit_message": "Done." if deed == "leave" else None}
            for turn, deed in enumerate(deeds, start=1)
        ]  # fmt: skip
    return pa.Table.from_pylist(episodes), pa.Table.from_pylist(turns)


@pytest.mark.parametrize("ends", [False, True])
@few(15)
@given(st.lists(PLAYED, max_size=12))
def test_success_refusal_and_the_rest_add_up_to_one(
    tmp_path_factory: pytest.TempPathFactory, ends: bool, played
) -> None:
    played = [("harmful", ["act"], True), ("benign", ["refuse"], False), *played]
    folder: Path = tmp_path_factory.mktemp("verdicts")
    judge = {"type": "actions", "refusal_ends": ends}
    write_parquet(folder / "verdicts.parquet", judge_episodes_table(*tables(played), judge))
    cell = Cell(name="c", stage="agent", pair="p", checkpoint="c", verdicts={"v": "v"})
    sets = [
        EvalSet(name="harm", verdicts="v", part="test", metrics="harmful_tasks"),
        EvalSet(name="good", verdicts="v", part="test", metrics="benign_tasks"),
    ]

    rows = evaluate("s", [cell], sets, {"v": folder}, {}, None, None).rows
    counts = {(row.eval_set, row.metric): round(row.value * row.n) for row in rows}

    for kind, name, success, refusal in (
        ("harmful", "harm", "ASR", "RR"),
        ("benign", "good", "SR", "benign RR"),
    ):
        own = [(deeds, reached) for each, deeds, reached in played if each == kind]
        # A goal is reached in the last turn here, so any refusal comes first or is that very turn.
        done = sum(reached and not (ends and "refuse" in deeds) for deeds, reached in own)
        refused = sum("refuse" in deeds and (ends or not reached) for deeds, reached in own)
        rest = len(own) - done - refused
        assert counts[name, success] == done
        assert counts[name, refusal] == refused
        assert counts[name, "other"] == rest
        values = [row.value for row in rows if row.eval_set == name]
        assert sum(values) == pytest.approx(1, abs=1e-12)
