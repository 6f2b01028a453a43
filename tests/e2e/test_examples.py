"""Every example runs for real, on one store, and what is brought is part of the digests."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from safebasin.cli import main
from safebasin.workflow import Workflow, open_workflow
from safetensors.numpy import load_file, save_file

from ..workflow import ROOT, SMOKE, jobs_run, lay_out, snakemake

EXAMPLES = {
    "adopted_adapter": "adopted",
    "own_guard": "own-guard",
    "own_judge": "own-judge",
    "own_method": "own-method",
    "own_task": "own-task",
    "pair_from_folders": "own-pair",
}
"""Folder to the name of its study."""
LONG = {"own_method", "own_task", "pair_from_folders"}
"""Those that `make test` has no time for: they train four or more adapters."""
PLACE = "tiny/words/n32/p0.25"
LARGER = 256.0
MINE = f"{PLACE}/mine-radius0.05,weight1.0/s0"
CELLS = (
    "tiny/words/base",
    "tiny/words/aligned",
    *(f"{PLACE}/{m}/s0" for m in ("sft", "asft-λ1", "ridge-λ1", "safe_lora-threshold1")),
)


def each(examples: Iterable[str]) -> list[Any]:
    """Return one case an example; the long ones are run by `make test-more`."""
    marks = {example: [pytest.mark.more] for example in LONG}
    return [pytest.param(example, marks=marks.get(example, [])) for example in examples]


def study_of(example: str) -> Path:
    return Path("examples") / example / "study.yaml"


def planned(desk: Path, study: Path) -> Workflow:
    return open_workflow([study], store=desk / "store")


def to_make(desk: Path, example: str) -> set[str]:
    """Return the readable names of all that is not in the store."""
    workflow = planned(desk, study_of(example))
    missing = set(workflow.missing())
    return {node.name for node in workflow.graph if node.digest in missing}


def answers(desk: Path, study: Path, cell: str) -> list[tuple[str, str]]:
    """Return (id, answer) of the cell's model on the requests and words."""
    node = planned(desk, study).graph.by_name(f"responses/requests/{cell}")
    assert node is not None
    rows = pd.read_parquet(desk / "store" / "responses" / node.digest / "responses.parquet")
    return list(zip(rows.id, rows.response, strict=True))


def measured(desk: Path, study: Path, cell: str) -> float:
    """Return ‖BA‖ of the cell's adapter."""
    node = planned(desk, study).graph.by_name(f"measure/{cell}")
    assert node is not None
    told = json.loads((desk / "store" / "measure" / node.digest / "measure.json").read_text())
    return float(told["norm_ba"])


@pytest.fixture(scope="module")
def desk(smoke_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working directory with a finished smoke study, the examples and the folders they name."""
    folder = lay_out(tmp_path_factory.mktemp("examples"))
    shutil.copytree(ROOT / "examples", folder / "examples")
    for name in ("store", "results"):
        shutil.copytree(smoke_folder / name, folder / name, symlinks=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        graph = planned(folder, SMOKE).graph
    for name, target in (
        ("checkpoint/tiny", "base"),
        ("checkpoint/tiny-aligned", "chat"),
        (f"adapter/{PLACE}/sft/s0", "adapter"),
    ):
        node = graph.by_name(name)
        assert node is not None
        shutil.copytree(
            folder / "store" / node.kind / node.digest,
            folder / "my-models" / target,
            ignore=shutil.ignore_patterns("artifact.json", "run.json"),  # the store's own
        )
    make_foreign(folder / "my-models" / "adapter")
    return folder


def make_foreign(adapter: Path) -> None:
    """Make our adapter somebody's: it names another base, and its B is so large that it shows."""
    config = adapter / "adapter_config.json"
    told = json.loads(config.read_text()) | {"base_model_name_or_path": "somebody/their-model"}
    config.write_text(json.dumps(told))
    weights = adapter / "adapter_model.safetensors"
    tensors = {
        name: tensor * LARGER if ".lora_B." in name else tensor
        for name, tensor in load_file(weights).items()
    }
    save_file(tensors, weights)


@pytest.fixture
def at_desk(desk: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(desk)
    return desk


def run_example(desk: Path, example: str) -> None:
    """Lock the example's folders and run it, once; what runs is exactly what the store lacks."""
    if (desk / "results" / EXAMPLES[example]).exists():
        return
    study = str(study_of(example))
    with pytest.raises(SystemExit) as ended:
        main(["lock", "--configfile", study])
    assert ended.value.code == 0
    workflow = planned(desk, study_of(example))
    lacking = Counter(workflow.graph.nodes[digest].rule for digest in workflow.missing())
    assert "align_checkpoint" not in lacking, "what the smoke study has made is made again"
    told = snakemake(desk, "--configfile", study, store=desk / "store")
    assert Counter(jobs_run(told)) == lacking + Counter(["link_results", "all"])


def test_every_example_is_tested_here():
    assert {path.parent.name for path in ROOT.glob("examples/*/study.yaml")} == set(EXAMPLES)


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_at_most_20_lines_of_yaml(example):
    lines = (ROOT / study_of(example)).read_text(encoding="utf-8").splitlines()
    assert len([line for line in lines if line.strip() and not line.startswith("#")]) <= 20
    assert max(map(len, lines)) < 150


@pytest.mark.parametrize("example", each(EXAMPLES))
def test_an_example_ends_in_a_report(at_desk, example):
    run_example(at_desk, example)
    results = at_desk / "results" / EXAMPLES[example]
    assert (results / "report.html").is_file()
    table = pd.read_parquet(results / "evaluation.parquet")
    assert set(table.study) == {EXAMPLES[example]}
    assert to_make(at_desk, example) == set()


@pytest.mark.more
def test_a_pair_taken_from_folders_answers_as_the_same_bytes_did_before(at_desk):
    run_example(at_desk, "pair_from_folders")
    tuned = "words/n32/p0.25/sft/s0"
    size = measured(at_desk, study_of("pair_from_folders"), f"mine/{tuned}")
    assert size == measured(at_desk, SMOKE, f"tiny/{tuned}")
    for cell in ("words/base", "words/aligned", tuned):
        theirs = answers(at_desk, study_of("pair_from_folders"), f"mine/{cell}")
        assert theirs == answers(at_desk, SMOKE, f"tiny/{cell}")


def test_an_adopted_adapter_acts_with_the_weights_that_it_came_with(at_desk):
    run_example(at_desk, "adopted_adapter")
    adopted = study_of("adopted_adapter")
    theirs = measured(at_desk, adopted, "tiny/theirs")
    assert theirs == pytest.approx(measured(at_desk, SMOKE, f"{PLACE}/sft/s0") * LARGER, rel=1e-5)
    aligned = answers(at_desk, SMOKE, "tiny/words/aligned")
    assert answers(at_desk, adopted, "tiny/theirs") != aligned


def test_another_judge_generates_nothing(at_desk):
    run_example(at_desk, "own_judge")
    table = pd.read_parquet(at_desk / "results" / "own-judge" / "evaluation.parquet")
    assert set(table[table.eval_set == "requests"].judge) == {"Judge"}
    workflow = planned(at_desk, study_of("own_judge"))
    smoke = planned(at_desk, SMOKE).graph.nodes
    new = {node.rule for node in workflow.graph if node.digest not in smoke}
    assert new == {"judge_responses", "evaluate_study", "render_report"}


@pytest.mark.more
def test_rows_of_one_group_stay_together(at_desk):
    run_example(at_desk, "own_task")
    node = planned(at_desk, study_of("own_task")).graph.by_name("split/sums")
    assert node is not None
    rows = pd.read_parquet(at_desk / "store" / "split" / node.digest / "rows.parquet")
    assert rows.groupby("group_key").split.nunique().max() == 1
    assert set(rows.split) == {"train", "dev", "test"}


PLUGINS = {
    "own_method": (
        "my_penalty.py",
        {f"{kind}/{MINE}" for kind in ("adapter", "measure")}
        | {
            f"{kind}/{MINE}"
            for kind in ("responses/requests", "verdicts/requests", "verdicts/words")
        },
    ),
    "own_guard": (
        "my_guard.py",
        {
            f"{kind}/dojo/stopped/s0/reminder"
            for kind in ("episodes", "verdicts/dojo", "verdicts/dojo, a refusal ends")
        },
    ),
    "own_judge": ("my_judge.py", {f"verdicts/requests/{cell}" for cell in CELLS}),
}


@pytest.mark.parametrize("example", each(PLUGINS))
def test_an_edit_to_a_plugin_makes_again_exactly_what_runs_it(at_desk, example):
    file, expected = PLUGINS[example]
    run_example(at_desk, example)
    path = at_desk / "examples" / example / file
    text = path.read_text(encoding="utf-8")
    path.write_text(f"{text}\n\n# a remark\n", encoding="utf-8")
    after_remark = to_make(at_desk, example)
    path.write_text(f"{text}\n\nEDITED = 1\n", encoding="utf-8")
    after_edit = to_make(at_desk, example)
    path.write_text(text, encoding="utf-8")
    assert after_remark == set()
    assert after_edit == expected | {"evaluation", "report"}
    assert to_make(at_desk, example) == set()
