"""Judge responses or an agent's episodes: one verdict a row, without the text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from safebasin.analysis.cells import EvalSet
from safebasin.analysis.human_labels import require_human_labels
from safebasin.analysis.verdicts import Verdict, take, verdicts_of
from safebasin.errors import StudyError
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
    """Judge episodes, or responses, or a corpus with given answers, which calibrates a judge.

    Raises:
        StudyError: the judge, or what it says, is not as it should be; or the evaluation could not
            use the verdicts: a set finds none, or a person's label says nothing of refusals.
    """
    judge = job.params(JudgeResponsesParams).judge
    episodes = job.optional("episodes")
    if episodes is not None:
        table = judge_episodes_table(
            pq.read_table(episodes / "episodes.parquet"),
            pq.read_table(episodes / "turns.parquet"),
            judge,
        )
    else:
        table = judge_table(_answers(job), judge, job.progress)
        _require_use(job, verdicts_of(table))
    write_parquet(job.folder / "verdicts.parquet", table)


def _require_use(job: Job, verdicts: Sequence[Verdict]) -> None:
    if job.optional("corpus") is not None:
        require_human_labels(verdicts)
    for wanted in job.wanted_as(EvalSet):
        take(verdicts, wanted, "these answers")


def _answers(job: Job) -> pa.Table:
    """Return the responses of a model, or a corpus with given answers.

    Raises:
        StudyError: the corpus holds no answers at all.
    """
    responses = job.optional("responses")
    if responses is not None:
        return pq.read_table(responses / "responses.parquet")
    rows = pq.read_table(job.input("corpus") / "rows.parquet")
    if rows["response"].null_count == len(rows):
        raise StudyError(
            "judge.calibration: the corpus has no answers to judge; name their column in its "
            "reader, columns: {response: …}"
        )
    return rows
