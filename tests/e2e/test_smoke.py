"""The smoke study for real: it ends in a report, nothing is made twice, damage is found."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from safebasin.cli import main
from safebasin.commands.results import link_results
from safebasin.reporting.captions import CAPTIONS
from safebasin.store.code_identity import CodeBook
from safebasin.workflow import open_workflow

from ..workflow import SMOKE, jobs_run, lay_out, snakemake


def test_the_study_ends_in_a_report_and_a_table(smoke_folder):
    results = smoke_folder / "results" / "smoke"
    assert "mean nothing" in (results / "report.html").read_text(encoding="utf-8")
    table = pd.read_parquet(results / "evaluation.parquet")
    keys = ["stage", "pair", "task", "samples", "harmful_fraction", "method", "setting", "guard"]
    assert not table.duplicated([*keys, "seed", "eval_set", "judge", "metric"]).any()
    answered = table[table.eval_set == "requests"]
    rates = answered[answered.metric.isin(["RR", "CR", "other", "degenerate"])]
    sums = rates.groupby(["stage", "method", "setting"]).value.sum()
    assert sums.between(1 - 1e-9, 1 + 1e-9).all()
    assert (results / "adapters").is_dir()


def test_the_report_says_what_the_post_hoc_defence_left(smoke_folder):
    (activity,) = [
        told
        for path in smoke_folder.glob("store/adapter/*/activity.json")
        if "norm_kept" in (told := json.loads(path.read_text(encoding="utf-8")))
    ]
    page = (smoke_folder / "results" / "smoke" / "report.html").read_text(encoding="utf-8")
    table = page[page.index("post-hoc adapter") :].partition("</table>")[0]
    assert f"{activity['projected_matrices']} of {activity['expected_matrices']}" in table
    assert f"{activity['norm_kept'] * 100:.1f}" in table


def test_the_report_knows_how_every_artifact_behind_it_was_made(smoke_folder):
    runs = [path.parent for path in smoke_folder.glob("store/*/*/run.json")]
    behind = [path for path in runs if path.parent.name not in ("source", "report")]
    page = (smoke_folder / "results" / "smoke" / "report.html").read_text(encoding="utf-8")
    assert "made with one set of versions" in page
    assert f"{len(behind)} artifacts: " in page


def test_snakemakes_own_report_holds_the_page_and_every_figure_with_its_caption(
    smoke_folder, tmp_path
):
    path = tmp_path / "report.html"
    snakemake(smoke_folder, "--configfile", str(SMOKE), "--report", str(path))
    (told,) = re.findall(r"var results = (\{.*\});\n", path.read_text(encoding="utf-8"))
    shown = {Path(name).stem: result for name, result in json.loads(told).items()}
    drawn = {svg.stem for svg in (smoke_folder / "results" / "smoke" / "figures").glob("*.svg")}
    assert {"tradeoff", "curves", "spectrum", "pool", "probe_accuracy"} <= drawn
    assert set(shown) == drawn | {"report"}
    for name in drawn:
        said = re.sub(r"<[^>]+>", "", html.unescape(shown[name]["caption"]))
        assert " ".join(said.split()) == CAPTIONS[name].text
        assert shown[name]["labels"] == {"study": "smoke", "shows": CAPTIONS[name].shows}
    (category,) = re.findall(r"var categories = (\{.*\});\n", path.read_text(encoding="utf-8"))
    assert set(json.loads(category)) == {"Safebasin"}


def test_results_show_no_figure_of_an_earlier_report(inside, tmp_path):
    old = tmp_path / "results" / "smoke" / "figures" / "of_old.svg"
    old.parent.mkdir(parents=True)
    old.touch()
    link_results(open_workflow([SMOKE], store=Path("store")), tmp_path)
    drawn = {path.name for path in Path("results/smoke/figures").glob("*.svg")}
    assert {path.name for path in old.parent.iterdir()} == drawn


def test_results_follow_the_setting_and_planning_another_leaves_them(smoke_folder, tmp_path):
    store = Path(shutil.copytree(smoke_folder / "store", tmp_path / "store"))
    fresh = lay_out(tmp_path / "fresh")
    (fresh / "titled.yaml").write_text("title: Another title\n")
    report, marks = fresh / "results" / "smoke" / "report.html", fresh / "results/smoke/.linked"
    study = ("--configfile", str(SMOKE))
    snakemake(fresh, *study, store=store)
    (first,) = marks.iterdir()
    snakemake(fresh, *study, "titled.yaml", "--dry-run", store=store)
    assert list(marks.iterdir()) == [first]
    assert "Nothing to be done" in snakemake(fresh, *study, store=store)
    told = snakemake(fresh, *study, "titled.yaml", store=store)
    assert set(jobs_run(told)) == {"render_report", "link_results", "all"}
    assert "Another title" in report.read_text(encoding="utf-8")
    assert first not in marks.iterdir()
    assert set(jobs_run(snakemake(fresh, *study, store=store))) == {"link_results", "all"}
    assert "Another title" not in report.read_text(encoding="utf-8")
    assert list(marks.iterdir()) == [first]


def test_duckdb_reads_the_table(smoke_folder):
    import duckdb

    path = smoke_folder / "results" / "smoke" / "evaluation.parquet"
    ((rows,),) = duckdb.sql(f"select count(*) from '{path}' where metric = 'RR'").fetchall()
    assert rows >= 6


def test_run_again_there_is_nothing_to_do(smoke_folder):
    assert "Nothing to be done" in snakemake(smoke_folder, "--configfile", str(SMOKE))


def test_touched_files_and_other_threads_make_nothing(smoke_folder):
    for path in (smoke_folder / "receipts").rglob("*.json"):
        path.touch()
    for path in (smoke_folder / "rules").glob("*.smk"):
        path.touch()
    told = snakemake(
        smoke_folder, "--configfile", str(SMOKE), "--cores", "1", "--set-threads", "tune_adapter=2"
    )
    assert "Nothing to be done" in told


def test_a_fresh_working_directory_on_the_same_store_computes_nothing(smoke_folder, tmp_path):
    fresh = lay_out(tmp_path / "fresh")
    told = snakemake(fresh, "--configfile", str(SMOKE), store=smoke_folder / "store")
    assert set(jobs_run(told)) == {"link_results", "all"}
    assert (fresh / "results" / "smoke" / "report.html").is_file()


def test_a_dry_run_writes_nothing_but_receipts(smoke_folder, tmp_path):
    fresh = lay_out(tmp_path / "fresh")
    before = {path for path in fresh.rglob("*") if path.is_file()}
    snakemake(fresh, "--configfile", str(SMOKE), "--dry-run", store=smoke_folder / "store")
    new = {
        path.relative_to(fresh).parts[0]
        for path in fresh.rglob("*")
        if path.is_file() and path not in before
    }
    assert new <= {"receipts", ".snakemake"}


def test_a_wrong_study_ends_with_one_message_and_writes_nothing(tmp_path):
    fresh = lay_out(tmp_path / "fresh")
    wrong = (fresh / SMOKE).read_text().replace("rank: 4", "rnk: 4")
    (fresh / "wrong.yaml").write_text(wrong)
    told = snakemake(fresh, "--configfile", "wrong.yaml", check=False)
    assert "lora.rnk" in told
    assert "did you mean 'rank'?" in told
    assert "Traceback" not in told
    assert not (fresh / "receipts").exists()
    assert not (fresh / "store").exists()


def test_a_flipped_bit_is_found_and_named(smoke_folder, tmp_path, capsys):
    store = Path(shutil.copytree(smoke_folder / "store", tmp_path / "store"))
    victim = next(iter(sorted(store.glob("adapter/*/adapter_model.safetensors"))))
    data = bytearray(victim.read_bytes())
    data[len(data) // 2] ^= 4
    victim.write_bytes(bytes(data))
    with pytest.raises(SystemExit) as ended:
        main(["verify", "--store", str(store), "--json"])
    assert ended.value.code == 3
    (damage,) = json.loads(capsys.readouterr().out)
    assert damage["file"] == "adapter_model.safetensors"
    assert damage["digest"] == victim.parent.name


def test_the_modules_that_steps_loaded_are_within_their_closures(smoke_folder):
    book = CodeBook()
    framework = set(json.loads(_framework_modules()))
    for run in sorted((smoke_folder / "store").glob("*/*/run.json")):
        code = json.loads((run.parent / "artifact.json").read_text())["spec"].get("code")
        if code is None:
            continue
        files = {name for unit in code.split(",") for name in book.unit(unit.split("/")[0]).files}
        loaded = json.loads(run.read_text())["modules"]
        outside = [name for name in loaded if name not in framework and not name_in(name, files)]
        assert not outside, f"{code} loaded {outside}"


def name_in(module: str, files: set[str]) -> bool:
    """Say whether the module is a file of the closure, or an empty package above one."""
    stem = "/".join(module.split(".")[1:])
    return (
        f"{stem}.py" in files
        or f"{stem}/__init__.py" in files
        or any(file.startswith(f"{stem}/") for file in files)
        or stem == ""
    )


def _framework_modules() -> str:
    """Return, as JSON, the modules that the command line loads before a step begins."""
    script = (
        "import sys, json, safebasin.cli, safebasin.run_step, safebasin.spec_text, safebasin.store.store\n"
        "print(json.dumps([n for n in sys.modules if n.split('.')[0] == 'safebasin']))"
    )
    return subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    ).stdout
