import json
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pyarrow.parquet as pq
import pytest
from safebasin.analysis.cells import KEY_COLUMNS
from safebasin.errors import DamagedInput, StudyError
from safebasin.steps import evaluate_study
from safebasin.steps.job import Job

from .made_up_study import evaluation_job

COLUMNS = [
    "study", "stage", "pair", "task", "samples", "harmful_fraction", "method", "setting", "steps",
    "guard", "replicate", "seed", "eval_set", "part", "judge", "metric", "value", "low", "high", "n", "clusters",
    "chosen", "checkpoint", "adapter", "verdicts",
]  # fmt: skip


def table(job: Job) -> list[dict[str, Any]]:
    rows = pq.read_table(job.folder / "evaluation.parquet").to_pylist()
    return cast(list[dict[str, Any]], rows)


def test_the_table_has_its_columns_and_unique_keys(evaluated: Job) -> None:
    rows = table(evaluated)

    assert pq.read_schema(evaluated.folder / "evaluation.parquet").names == COLUMNS
    assert len({tuple(row[name] for name in KEY_COLUMNS) for row in rows}) == len(rows)
    assert KEY_COLUMNS[-1] == "metric"


def test_refused_complied_other_and_degenerate_add_up_to_one(evaluated: Job) -> None:
    sums: dict[tuple[str, ...], float] = {}
    for row in table(evaluated):
        if row["metric"] in ("RR", "CR", "other", "degenerate"):
            key = (row["stage"], row["method"], row["setting"], row["eval_set"])
            sums[key] = sums.get(key, 0.0) + row["value"]

    assert sums
    assert all(total == pytest.approx(1.0) for total in sums.values())


def test_weights_come_from_the_measure_without_interval(evaluated: Job) -> None:
    rows = [row for row in table(evaluated) if row["eval_set"] == "weights"]

    assert {row["metric"] for row in rows} == {"norm_ba", "anchor_share"}
    assert all(row["low"] is None and row["n"] is None for row in rows)
    sft = next(row for row in rows if row["method"] == "sft" and row["metric"] == "norm_ba")
    assert sft["value"] == 2.41


def test_the_headline_is_one_setting_a_method(evaluated: Job) -> None:
    rows = [row for row in table(evaluated) if row["seed"] is not None and row["chosen"]]

    settings = {(row["method"], row["setting"]) for row in rows}
    assert settings == {
        ("sft", ""), ("asft", "λ=1"), ("ridge", "λ=1"), ("safe_lora", "τ=0.5"),
    }  # fmt: skip


def test_the_contrast_pairs_prompts_and_says_so_in_words(evaluated: Job) -> None:
    contrast = json.loads((evaluated.folder / "contrast.json").read_text())
    primary = contrast["primary"]
    rows = {
        (row["method"], row["eval_set"]): row["value"]
        for row in table(evaluated)
        if row["metric"] == "RR" and row["setting"] == "λ=1"
    }
    expected = (rows["asft", "near"] + rows["asft", "far"]) / 2

    assert primary["n"] == 240
    assert primary["treatment"] == pytest.approx(expected)
    assert [one["setting"] for one in contrast["settings"]] == ["λ=0.3", "λ=1", "λ=3"]
    assert [one["label"] for one in contrast["parts"]] == ["near", "far"]
    assert primary["finding"] in ("told apart", "equivalent", "not told apart")
    assert primary["finding"] in primary["sentence"]
    assert "equal" not in primary["sentence"]


def test_the_written_rule_stands_beside_the_choices(evaluated: Job) -> None:
    choices = json.loads((evaluated.folder / "choices.json").read_text())
    joint = next(one for one in choices["choices"] if one["methods"] == ["asft", "ridge"])

    assert "development" in choices["rule"]
    assert joint["chosen"] == max(joint["scores"], key=lambda one: one["score"])["strength"]


def test_the_same_inputs_give_the_same_bytes(evaluated: Job, tmp_path: Path) -> None:
    again = replace(evaluated, folder=tmp_path)
    evaluate_study.run(again)

    for name in evaluate_study.FILES:
        assert (tmp_path / name).read_bytes() == (evaluated.folder / name).read_bytes()


def test_several_seeds_are_rows_and_one_summary(tmp_path: Path) -> None:
    job = evaluation_job(tmp_path, seeds=(0, 1), n=20)
    evaluate_study.run(job)
    summary = pq.read_table(job.folder / "summary.parquet").to_pylist()
    contrast = json.loads((job.folder / "contrast.json").read_text())

    assert {row["seed"] for row in table(job) if row["method"] != "none"} == {0, 1}
    assert "seed" not in summary[0]
    assert {row["seeds"] for row in summary if row["method"] != "none"} == {2}
    assert contrast["primary"]["seeds"] == 2
    assert "2 seeds" in contrast["primary"]["sentence"]


def changed(job: Job, folder: Path, **params: object) -> Job:
    folder.mkdir(exist_ok=True)
    return replace(job, folder=folder, raw_params={**job.raw_params, **params})


def test_the_same_cell_twice_is_refused(evaluated: Job, tmp_path: Path) -> None:
    cells = list(evaluated.raw_params["cells"])  # type: ignore[call-overload]
    twin = {**cells[0], "name": "twin"}

    with pytest.raises(DamagedInput, match="one key"):
        evaluate_study.run(changed(evaluated, tmp_path, cells=[*cells, twin]))
    with pytest.raises(StudyError, match="share a name"):
        evaluate_study.run(changed(evaluated, tmp_path, cells=[*cells, cells[0]]))


def test_a_contrast_needs_the_same_prompts_and_seeds_in_both_arms(
    evaluated: Job, tmp_path: Path
) -> None:
    cells = [
        {**cell, "seed": 7} if cell.get("method") == "ridge" else cell
        for cell in evaluated.raw_params["cells"]  # type: ignore[attr-defined]
    ]

    with pytest.raises(StudyError, match="same seeds"):
        evaluate_study.run(changed(evaluated, tmp_path, cells=cells))


def test_a_set_without_verdicts_is_named(evaluated: Job, tmp_path: Path) -> None:
    sets = [
        *evaluated.raw_params["eval_sets"],  # type: ignore[misc]
        {"name": "typo", "verdicts": "harmful", "corpora": ["nobody"], "part": "test",
         "metrics": "refusal"},
    ]  # fmt: skip

    with pytest.raises(StudyError, match=r"'typo'.*nobody"):
        evaluate_study.run(changed(evaluated, tmp_path, eval_sets=sets))


def test_verdicts_of_another_language_are_refused(evaluated: Job, tmp_path: Path) -> None:
    sets = [{"name": "odd", "verdicts": "task", "part": "test", "metrics": "refusal"}]

    with pytest.raises(StudyError, match="correct"):
        evaluate_study.run(changed(evaluated, tmp_path, eval_sets=sets, choice=None, contrast=None))


def test_a_study_without_choice_and_contrast_is_evaluated(evaluated: Job, tmp_path: Path) -> None:
    cells = [cell for cell in evaluated.raw_params["cells"] if cell.get("method") == "none"]  # type: ignore[attr-defined]
    job = changed(evaluated, tmp_path, cells=cells, choice=None, contrast=None, calibration=None)
    evaluate_study.run(job)

    assert json.loads((tmp_path / "contrast.json").read_text())["primary"] is None
    assert all(row["chosen"] for row in table(job))
