import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from safebasin.errors import StudyError
from safebasin.judging.judge import judge_table
from safebasin.progress import SILENT, Silent
from safebasin.steps import judge_responses
from safebasin.steps.job import Job
from safebasin.store.writers import write_parquet

COLUMNS = [
    "id", "corpus", "split", "group", "category", "harmful", "label", "verdict", "correct", "judge",
]  # fmt: skip
RESPONSES = pa.Table.from_pylist(
    [
        {"id": "b", "corpus": "one", "split": "test", "group": 4, "category": None,
         "harmful": True, "label": "positive", "messages": [], "response": "Sure, here is it."},
        {"id": "a", "corpus": "one", "split": "test", "group": 4, "category": "c",
         "harmful": True, "label": "negative", "messages": [], "response": "negative"},
    ]
)  # fmt: skip


def test_verdicts_keep_rows_in_order_and_hold_no_text() -> None:
    table = judge_table(RESPONSES, {"type": "phrases"})

    assert table.column_names == COLUMNS
    assert table.column("id").to_pylist() == ["b", "a"]
    assert table.column("verdict").to_pylist() == ["complied", "other"]
    assert table.column("correct").to_pylist() == [None, None]


def test_the_label_judge_says_whether_an_answer_is_right() -> None:
    table = judge_table(RESPONSES, {"type": "label", "labels": ["positive", "negative"]})

    assert table.column("verdict").to_pylist() == ["unparsed", "correct"]
    assert table.column("correct").to_pylist() == [False, True]


def test_given_answers_of_a_corpus_are_each_a_group() -> None:
    corpus = pa.Table.from_pylist(
        [{"id": str(i), "messages": [], "response": "I cannot help.", "label": "1",
          "category": None, "origin": "people", "harmful": False} for i in range(3)]
    )  # fmt: skip

    table = judge_table(corpus, {"type": "phrases"})

    assert table.column("group").to_pylist() == [0, 1, 2]
    assert set(table.column("corpus").to_pylist()) == {"people"}
    assert set(table.column("split").to_pylist()) == {"given"}


def test_a_plugin_judges(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.py").write_text(
        "class Mine:\n"
        "    def __init__(self, word): self.word = word\n"
        "    def judge(self, rows): return [self.word for _ in rows]\n"
    )
    monkeypatch.chdir(tmp_path)

    table = judge_table(RESPONSES, {"type": "./mine.py:Mine", "params": {"word": "harmful"}})

    assert table.column("verdict").to_pylist() == ["harmful", "harmful"]
    assert table.column("judge").to_pylist() == ["Mine", "Mine"]


def test_a_plugin_that_skips_a_row_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "short.py").write_text("class Short:\n    def judge(self, rows): return ['x']\n")
    monkeypatch.chdir(tmp_path)

    with pytest.raises(StudyError, match="1 verdicts on 2 rows"):
        judge_table(RESPONSES, {"type": "./short.py:Short"})


def test_an_unknown_judge_is_named_with_the_known_ones() -> None:
    with pytest.raises(StudyError, match=r"'oracle'.*phrases"):
        judge_table(RESPONSES, {"type": "oracle"})


def test_the_step_writes_equal_bytes_for_equal_answers(tmp_path: Path) -> None:
    responses = tmp_path / "responses"
    responses.mkdir()
    write_parquet(responses / "responses.parquet", RESPONSES)
    written = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        judge_responses.run(
            Job(
                digest="0" * 16,
                raw_params={"judge": {"type": "phrases"}},
                inputs={"responses": responses},
                folder=folder,
            )
        )
        written.append((folder / "verdicts.parquet").read_bytes())

    assert written[0] == written[1]
    assert pq.read_table(tmp_path / "one" / "verdicts.parquet").column_names == COLUMNS


def judged_corpus(tmp_path: Path, responses: list[str | None], progress=SILENT) -> list[str]:
    corpus, out = tmp_path / "corpus", tmp_path / "out"
    corpus.mkdir()
    out.mkdir()
    rows = [
        {"id": str(place), "messages": [], "response": response, "label": "1",
         "category": None, "origin": "people", "harmful": False}
        for place, response in enumerate(responses)
    ]  # fmt: skip
    schema = pa.schema(
        [("id", pa.string()), ("response", pa.string()), ("label", pa.string()),
         ("category", pa.string()), ("origin", pa.string()), ("harmful", pa.bool_())]
    )  # fmt: skip
    write_parquet(corpus / "rows.parquet", pa.Table.from_pylist(rows, schema=schema))
    params = {"judge": {"type": "phrases"}}
    job = Job(
        digest="0" * 16, raw_params=params, inputs={"corpus": corpus}, folder=out, progress=progress
    )
    judge_responses.run(job)
    found: list[str] = pq.read_table(out / "verdicts.parquet").column("verdict").to_pylist()
    return found


def test_an_answer_that_is_missing_is_degenerate_and_a_corpus_of_none_is_refused(
    tmp_path: Path,
) -> None:
    assert judged_corpus(tmp_path, ["Sure, here.", None]) == ["complied", "degenerate"]
    (tmp_path / "none").mkdir()
    with pytest.raises(StudyError, match=r"no answers to judge.*columns"):
        judged_corpus(tmp_path / "none", [None, None])


def test_answers_in_other_languages_are_counted_for_the_user(tmp_path: Path) -> None:
    told: list[str] = []

    class Listening(Silent):
        def note(self, message: str) -> None:
            told.append(message)

    judged_corpus(tmp_path, ["Sure, here.", "Nie mogę tego zrobić."], Listening())
    assert told == [
        "1 of 2 answers are not in English: their refusals are known in es, fr, de, pt, it, ru, "
        "zh, ja, ko, and none of them counts as complied"
    ]


def test_a_plugin_that_answers_in_its_own_words_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "class Loud:\n    def judge(self, rows): return ['REFUSED' for _ in rows]\n"
    (tmp_path / "loud.py").write_text(text)
    monkeypatch.chdir(tmp_path)

    with pytest.raises(StudyError, match=r"loud\.py:Loud.*'REFUSED'.*'b'.*'refused'"):
        judge_table(RESPONSES, {"type": "./loud.py:Loud"})


def test_judging_and_evaluating_import_no_heavy_library() -> None:
    program = (
        "import sys; import safebasin.steps.judge_responses, safebasin.steps.evaluate_study;"
        "import safebasin.judging.phrases, safebasin.judging.label;"
        "print([name for name in ('torch', 'transformers', 'pandas', 'scipy', 'matplotlib')"
        " if name in sys.modules])"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"
