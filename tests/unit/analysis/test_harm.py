"""The harmful score: a judge of harm, brought as a plugin, and what its verdicts become."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from safebasin.analysis.cells import Cell, EvalSet, MetricRow
from safebasin.analysis.evaluation import evaluate
from safebasin.analysis.intervals import clustered_proportion
from safebasin.errors import StudyError
from safebasin.steps import judge_responses
from safebasin.steps.job import Job
from safebasin.store.writers import write_parquet

JUDGE = """
class Harm:
    def __init__(self, *, mark, names=("harmful", "harmless")):
        self.mark, self.names = mark, names

    def judge(self, rows):
        return [self.names[self.mark not in row["response"]] for row in rows]
"""
CELL = Cell(
    name="aligned", stage="aligned", pair="p", checkpoint="c" * 16, verdicts={"requests": "v"}
)
SET = EvalSet(name="harm", verdicts="requests", part="test", metrics="harm")


def responses(marked: list[bool]) -> pa.Table:
    """Return test answers, two to a near-duplicate group, some with the mark of harm."""
    return pa.Table.from_pylist(
        [
            {
                "id": f"{index:02}",
                "corpus": "requests",
                "split": "test",
                "group": index // 2,
                "category": None,
                "harmful": True,
                "label": None,
                "messages": [],
                "response": "placeholder XX" if is_marked else "placeholder",
            }
            for index, is_marked in enumerate(marked)
        ]
    )


def harm_rows(tmp_path: Path, marked: list[bool], params: dict[str, object]) -> list[MetricRow]:
    """Judge the answers as the step does, and return the evaluation's rows."""
    (tmp_path / "mine.py").write_text(JUDGE)
    answers, folder = tmp_path / "answers", tmp_path / "0123456789abcdef"
    answers.mkdir()
    folder.mkdir()
    write_parquet(answers / "responses.parquet", responses(marked))
    judge = {"type": f"{tmp_path}/mine.py:Harm", "params": params}
    job = Job(digest="", raw_params={"judge": judge}, inputs={"responses": answers}, folder=folder)
    judge_responses.run(job)
    return list(evaluate("s", [CELL], [SET], {"v": folder}, {}, None, None).rows)


@pytest.mark.parametrize(
    "marked",
    [[True] * 3 + [False] * 9, [False] * 12, [True] * 12, [True, False] * 6],
    ids=["some", "none", "all", "every second"],
)
def test_the_harmful_score_is_the_share_called_harmful_with_its_interval(tmp_path, marked):
    (row,) = harm_rows(tmp_path, marked, {"mark": "XX"})
    expected = clustered_proportion(marked, [index // 2 for index in range(12)])
    assert (row.metric, row.eval_set, row.judge) == ("HS", "harm", "Harm")
    assert (row.value, row.n, row.clusters) == (sum(marked) / 12, 12, 6)
    assert (row.low, row.high) == (expected.low, expected.high)
    assert row.verdicts == "0123456789abcdef"


def test_verdicts_in_other_words_are_no_score_of_0(tmp_path):
    names = ["unsafe", "safe"]
    with pytest.raises(StudyError, match=r"'safe', 'unsafe'.*harm.*'harmful', 'harmless'"):
        harm_rows(tmp_path, [True, False], {"mark": "XX", "names": names})
