"""Judge responses or an agent's episodes: one verdict a row, without the text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow.parquet as pq

from safebasin.judging.judge import judge_episodes_table, judge_table
from safebasin.steps.job import Job
from safebasin.store.writers import write_parquet

FILES: tuple[str, ...] = ("verdicts.parquet",)


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeResponsesParams:
    """Which judge sorts the answers."""

    judge: Mapping[str, object]
    """``type`` is "phrases", "label" (with ``labels``), "actions" (of episodes, with
    ``refusal_ends``) or a plugin, "./file.py:Class"."""


def run(job: Job) -> None:
    """Judge episodes, or responses, or a corpus with given answers, which calibrates a judge."""
    judge = job.params(JudgeResponsesParams).judge
    episodes = job.optional("episodes")
    if episodes is not None:
        table = judge_episodes_table(
            pq.read_table(episodes / "episodes.parquet"),
            pq.read_table(episodes / "turns.parquet"),
            judge,
        )
    else:
        answers = job.optional("responses")
        table = judge_table(
            pq.read_table(
                job.input("corpus") / "rows.parquet"
                if answers is None
                else answers / "responses.parquet"
            ),
            judge,
            job.progress,
        )
    write_parquet(job.folder / "verdicts.parquet", table)
