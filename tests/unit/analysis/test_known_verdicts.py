"""A verdict that a metric does not count is an error, and never a share of 0."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from safebasin.analysis.calibration import agreement, confusion
from safebasin.analysis.cells import METRICS, Cell, EvalSet
from safebasin.analysis.contrast import Contrast
from safebasin.analysis.evaluation import evaluate
from safebasin.analysis.verdicts import Verdict, read_verdicts
from safebasin.errors import DamagedInput, StudyError
from safebasin.verdict_words import FAMILIES, FAMILY_OF

CELL = Cell(name="m", stage="aligned", pair="p", checkpoint="c" * 16, verdicts={"v": "v"})
LABELS = {"harmful_tasks": "harmful", "benign_tasks": "benign"}


def evaluated(tmp_path, metrics, verdicts, contrast=None, label="x", **taken):
    row = {"corpus": "c", "split": "test", "category": "k", "label": LABELS.get(metrics, label)}
    folder = tmp_path / "0123456789abcdef"
    folder.mkdir(parents=True)
    table = pa.Table.from_pylist(
        [
            row | {"id": str(place), "group": place, "verdict": verdict, "judge": "Mine"}
            for place, verdict in enumerate(verdicts)
        ]
    )
    pq.write_table(table, folder / "verdicts.parquet")
    wanted = EvalSet(name="e", verdicts="v", part="test", metrics=metrics, **taken)
    return evaluate("s", [CELL], [wanted], {"v": folder}, {}, None, contrast).rows


def test_every_metric_counts_a_verdict_of_its_family():
    assert set(FAMILY_OF) == set(METRICS)
    for metrics, counted in METRICS.items():
        assert set(counted.values()) <= FAMILIES[FAMILY_OF[metrics]]


@pytest.mark.parametrize("metrics", METRICS)
@pytest.mark.parametrize("wrong", ["REFUSED", "refused ", "", "None", "nan", "yes", "Correct"])
def test_a_word_of_no_metric_names_itself_its_judge_and_the_metric(tmp_path, metrics, wrong):
    right = min(FAMILIES[FAMILY_OF[metrics]])
    assert evaluated(tmp_path / "right", metrics, [right, right])
    with pytest.raises(StudyError, match=rf"\['{wrong}'\] of the judge Mine.*{metrics}"):
        evaluated(tmp_path / "wrong", metrics, [right, wrong])


def test_a_category_that_no_row_has_is_named_also_beside_one_that_rows_have(tmp_path):
    assert evaluated(tmp_path / "right", "refusal", ["refused"], categories=["k"])
    with pytest.raises(StudyError, match=r"'e' of 'm': no row has the category 'kk'; .* have 'k'"):
        evaluated(tmp_path / "wrong", "refusal", ["refused"], categories=["k", "kk"])


@pytest.mark.parametrize("metrics", METRICS)
def test_verdicts_of_another_sort_are_an_error(tmp_path, metrics):
    known = FAMILIES[FAMILY_OF[metrics]]
    for number, other in enumerate(sorted(frozenset().union(*FAMILIES.values()) - known)):
        with pytest.raises(StudyError, match=f"'{other}'"):
            evaluated(tmp_path / str(number), metrics, [other])


def test_rows_without_a_label_of_the_judge_are_named_with_their_labels(tmp_path):
    with pytest.raises(StudyError, match=r"1 of 2 rows, the first with the id '1'.*'maybe'"):
        evaluated(tmp_path, "accuracy", ["correct", "unlabelled"], label="maybe")


def test_a_missing_verdict_is_damage(tmp_path):
    with pytest.raises(DamagedInput, match="'1' has no verdict"):
        evaluated(tmp_path, "refusal", ["refused", None])


def test_a_contrast_asks_for_a_metric_that_its_sets_have(tmp_path):
    contrast = Contrast(treatment="a", control="b", metric="FA", eval_sets=["e"])
    with pytest.raises(StudyError, match="'FA' is none of the set 'e', which has RR"):
        evaluated(tmp_path, "refusal", ["refused"], contrast)


def given(label: str | None, verdict: str) -> Verdict:
    return Verdict(
        id="7", corpus="people", split="given", group=0, category=None, label=label,
        verdict=verdict, judge="j",
    )  # fmt: skip


def test_agreement_is_that_of_refusals_and_of_nothing_else():
    rows = [given("not entailment", "correct"), given("entailment", "wrong")]
    assert agreement(rows) == []
    assert confusion(rows) == [("entailment", "wrong", 1), ("not entailment", "correct", 1)]


@pytest.mark.parametrize(
    "label",
    [
        None,
        "",
        "2_full_refusal",
        "partly refused",
        "declined",
        "y",
        "n",
        "2",
        "-1",
        "unsafe",
        "refused or other",
    ],
)
def test_a_human_label_that_says_neither_is_an_error(label):
    with pytest.raises(StudyError, match=r"row '7'.*refused"):
        confusion([given(label, "refused")])


@pytest.mark.parametrize(
    ("label", "human"),
    [
        (" Refused ", "refused"),
        ("1", "refused"),
        ("not_refused", "not refused"),
        ("degenerate", "not refused"),
        ("Complied or other", "not refused"),
        ("degenerate|other", "not refused"),
    ],
)
def test_human_labels_are_read_whatever_their_case(label, human):
    assert confusion([given(label, "other")]) == [(human, "other", 1)]


def test_read_verdicts_keep_their_words(tmp_path):
    evaluated(tmp_path, "harm", ["harmful", "harmless"])
    read = read_verdicts(tmp_path / "0123456789abcdef")
    assert [row.verdict for row in read] == ["harmful", "harmless"]
