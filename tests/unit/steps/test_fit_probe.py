"""The step on a tiny random model and the smallest world: its numbers mean nothing, its form does."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from safebasin.agents import first_replies as replies
from safebasin.agents.first_pages import first_page_prompts
from safebasin.agents.prompting import Nothing
from safebasin.errors import StudyError
from safebasin.models.chat import ChatFormat
from safebasin.models.load import LoadedModel, load_model
from safebasin.resume.place import state_of
from safebasin.steps import fit_probe
from safebasin.steps.job import Job
from safebasin.store.writers import write_json, write_parquet

from ..agents.doors import Doors

PARAMS = {
    "world": {"type": "doors"},
    "tasks": {"harmful": 4, "benign": 4, "lookalike": 2},
    "rollout": {"max_new_tokens": 4, "batch_size": 8},
    "precision": "float32",
    "probe": {"layers": [0, 1, 0.9], "headline": 1, "folds": 4, "shuffles": 2},
    "guards": {"plain": {"type": "none"}, "suffix": {"type": "prefix", "placement": "suffix"},
               "ping": {"type": "prefix"}, "note": {"type": "comment"}},
    "steering": {"coefficients": [0, 1, 60], "tasks": 10, "episodes": 3, "layers": [1, 2]},
}  # fmt: skip


class Seeing(Doors):
    """Doors whose objects show, as the dojo's do, in the instruction."""

    def tasks(self, part, kind, count=None):
        return [
            task.__class__(**{**{name: getattr(task, name) for name in task.__slots__},
                              "instruction": f"Open it {'quietly' if kind == 'harmful' else ''}."})
            for task in super().tasks(part, kind, count)
        ]  # fmt: skip


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("prefix")
    best = {"prefix": "# I look twice."}
    write_json(folder / "prefix.json", {"winner": best, "first_round_best": best})
    rows = [{"role": "candidate", **best}]
    write_parquet(folder / "candidates.parquet", pa.Table.from_pylist(rows))
    return folder


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Doors:
    seeing = Seeing()
    monkeypatch.setattr(fit_probe, "load_world", lambda world: seeing)
    return seeing


def run(folder: Path, params: Mapping[str, object], **inputs: Path) -> Path:
    folder.mkdir(exist_ok=True)
    fit_probe.run(Job(digest="0", raw_params=params, inputs=inputs, folder=folder, device="cpu"))
    assert sorted(path.name for path in folder.iterdir()) == sorted(fit_probe.FILES)
    return folder


def digests(folder: Path) -> list[str]:
    return [hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in fit_probe.FILES]


@pytest.fixture
def made(tmp_path: Path, world: Doors, tiny: Path, searched: Path) -> Path:
    return run(tmp_path / "made", PARAMS, checkpoint=tiny, guard=searched)


def test_every_figure_is_there_once(made: Path) -> None:
    rows = pq.read_table(made / "probe.parquet").to_pylist()
    keys = ("measure", "layer", "guard", "coefficient", "kind", "metric")

    assert len({tuple(row[key] for key in keys) for row in rows}) == len(rows)
    assert {row["layer"] for row in rows if row["measure"] == "accuracy"} == {0, 1, 2}
    assert {row["guard"] for row in rows if row["measure"] == "logit_final"} == {
        "none", "suffix", "ping", "note",
    }  # fmt: skip
    assert {row["coefficient"] for row in rows if row["measure"] == "steering_random"} == {1, 60}
    sizes = {row["metric"]: row["n"] for row in rows if row["measure"] == "steering"}
    assert sizes == {"RR": 10, "benign RR": 10, "acted": 10, "SR": 3}
    told = json.loads((made / "probe.json").read_text())
    assert (told["headline"], told["depth"], told["steering"]["layers"]) == (1, 2, [1, 2])
    assert told["fitted_on"] == {"benign": 8, "harmful": 8, "lookalike": 8}


def test_a_word_that_tells_the_kinds_apart_is_found_on_objects_that_were_held_out(
    made: Path,
) -> None:
    rows = pq.read_table(made / "probe.parquet").to_pylist()

    whole = [r for r in rows if r["measure"] == "accuracy" and r["kind"] is None]
    assert {row["value"] for row in whole} == {1.0}


def test_an_opening_moves_the_last_token_and_a_word_in_the_prompt_its_average(made: Path) -> None:
    rows = pq.read_table(made / "probe.parquet").to_pylist()

    moved = {
        row["guard"]
        for row in rows
        if row["metric"] == "change from none" and row["layer"] == 1 and abs(row["value"]) > 1e-6
    }
    assert moved == {"suffix", "ping", "note"}


def test_a_killed_job_goes_on_to_the_same_bytes(
    made: Path, tmp_path: Path, world: Doors, tiny: Path, searched: Path, monkeypatch
) -> None:
    folder = tmp_path / "killed"
    with monkeypatch.context() as patch:
        patch.setattr(fit_probe, "refuses", lambda *told: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            run(folder, PARAMS, checkpoint=tiny, guard=searched)
    state = state_of(folder)
    assert list(state.glob("logits-*/piece.json"))
    (state / "new").mkdir()
    (state / "new" / "piece.json").write_text("half a pie")

    run(folder, PARAMS, checkpoint=tiny, guard=searched)

    assert digests(folder) == digests(made)


def test_steering_can_be_left_out(tmp_path: Path, world: Doors, tiny: Path) -> None:
    params = {key: value for key, value in PARAMS.items() if key not in ("steering", "guards")}

    made = run(tmp_path / "bare", params, checkpoint=tiny)

    rows = pq.read_table(made / "probe.parquet").to_pylist()
    assert {row["guard"] for row in rows} == {None, "none"}
    assert "steering" not in json.loads((made / "probe.json").read_text())


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        ({"steering": {"coefficients": [0, 1], "tasks": 17}}, "steering.tasks: 17 wanted"),
        ({"probe": {"layers": [7]}}, "layers: 7"),
        ({"probe": {"headline": 3}}, "headline: 3"),
    ],
)
def test_what_the_world_or_the_model_has_not_is_refused_by_its_key(
    tmp_path: Path, world: Doors, tiny: Path, edit, told
) -> None:
    with pytest.raises(StudyError, match=told):
        run(tmp_path / "wrong", PARAMS | {"guards": {}} | edit, checkpoint=tiny)


def test_the_prompts_are_those_of_first_replies(tiny: Path, monkeypatch) -> None:
    import torch

    loaded: LoadedModel = load_model(tiny, device=torch.device("cpu"), precision="float32")
    injected = Nothing(system="Be calm.", suffix="Thanks.", opening="# Well,\n")
    asked: list[object] = []

    def generate(loaded, prompts, **settings):
        asked.extend(prompts)
        return []

    monkeypatch.setattr(replies, "generate_answers", generate)
    tasks = Doors().tasks("test", "benign", 3)

    with pytest.raises(ValueError, match="zip"):
        replies.first_replies(loaded, Doors(), tasks, injected, max_new_tokens=4, batch_size=4)

    assert first_page_prompts(ChatFormat(loaded.tokenizer), Doors(), tasks, injected) == asked
