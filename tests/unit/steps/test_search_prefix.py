"""The step on a tiny random model and the dojo: its scores mean nothing, its files do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from safebasin.agents.dojo.world import Dojo
from safebasin.guards.choice import read_choice
from safebasin.guards.controls import search_controls
from safebasin.models.chat import ChatFormat
from safebasin.models.load import load_tokenizer
from safebasin.resume.place import state_of
from safebasin.steps import search_prefix
from safebasin.steps.job import Job

from ..guards.scripted import Killed

SEARCH = {"candidates": 2, "rounds": 2, "threshold": 0.0}
PARAMS: Mapping[str, Any] = {
    "world": {"type": "dojo", "seed": 3},
    "search": SEARCH,
    "generator": {"type": "grammar", "seed": 5},
    "tasks": 2,
    "rollout": {"max_new_tokens": 4, "batch_size": 4},
    "precision": "float32",
    "rescore": 1,
}
BYTES = ("candidates.parquet", "prefix.json")


class Until:
    """Progress that stands for a kill once so many prefixes were begun."""

    def __init__(self, prefixes: int) -> None:
        self.left = prefixes
        self.begun = 0

    def over(self, items, label, total=None):
        for item in items:
            if "refixes" in label or "best" in label:
                if self.left == self.begun:
                    raise Killed
                self.begun += 1
            yield item

    def note(self, message: str) -> None:
        del message


def run(folder: Path, params: Mapping[str, Any] = PARAMS, allowed: int = 99, **inputs: Path) -> int:
    """Run the step; return how many prefixes it went through."""
    folder.mkdir(exist_ok=True)
    until = Until(allowed)
    search_prefix.run(
        Job(digest="0", raw_params=params, inputs=inputs, folder=folder, device="cpu",
            progress=until)
    )  # fmt: skip
    assert {path.name for path in folder.iterdir()} <= set(search_prefix.FILES)
    return until.begun


def written(folder: Path) -> list[bytes]:
    return [(folder / name).read_bytes() for name in BYTES]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, tiny: Path) -> Path:
    folder = tmp_path_factory.mktemp("made")
    run(folder, checkpoint=tiny)
    return folder


def test_every_prefix_is_there_with_what_was_seen_of_every_task(made: Path, tiny: Path) -> None:
    rows = pq.read_table(made / "candidates.parquet").to_pylist()
    world = Dojo(seed=3)
    tasks = [task.id for kind in ("harmful", "benign") for task in world.tasks("search", kind, 2)]

    roles = [row["role"] for row in rows]
    chat = ChatFormat(load_tokenizer(tiny))
    controls = search_controls(read_choice(made).winner, chat.count)
    assert roles == ["candidate"] * (len(rows) - 8) + ["control"] * 8
    assert {row["name"]: row["prefix"] for row in rows if row["name"]} == controls
    assert [row["index"] for row in rows] == list(range(len(rows)))
    assert len({row["prefix"] for row in rows}) == len(rows)
    assert {row["round"] for row in rows[:-8]} == {1, 2}
    for row in rows:
        assert [each["task"] for each in row["outcomes"]] == tasks
        assert row["overall"] == row["perf"] + row["refusal"]


def test_the_choice_is_one_of_the_candidates_and_says_how_it_was_made(made: Path) -> None:
    told = json.loads((made / "prefix.json").read_text())
    choice = read_choice(made)

    assert choice.winner == told["winner"]["prefix"]
    assert told["generator"] == {"type": "grammar", "seed": 5}
    assert told["settings"] == {**SEARCH, "keep": 3, "perf": "action"}
    assert told["tasks"] == {"benign": 2, "harmful": 2}
    assert told["follows_paper"] is False  # fresh tasks chose
    assert len(told["rescored"]) == 3
    assert [each["from_scratch"] for each in told["rounds"]] == [True, False]


def test_a_job_killed_before_each_prefix_goes_on_to_the_same_bytes(
    made: Path, tiny: Path, tmp_path: Path
) -> None:
    folder, tries = tmp_path / "killed", 0
    while True:
        try:
            last = run(folder, allowed=tries, checkpoint=tiny)
            break
        except Killed:
            tries += 1
        log = state_of(folder) / "search.jsonl"
        log.write_bytes(log.read_bytes() + b'{"scoring": "sea')  # the line it was killed in

    rows = pq.read_table(made / "candidates.parquet").num_rows
    assert tries == last == rows - 8 + 3  # the controls are no steps; three are scored again
    assert written(folder) == written(made)


def test_what_is_finished_is_not_asked_again(
    made: Path, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    score = search_prefix.PrefixScorer.score
    monkeypatch.setattr(
        search_prefix.PrefixScorer,
        "score",
        lambda self, opening: asked.append(opening) or score(self, opening),
    )
    folder = tmp_path / "killed"

    for allowed in (1, 3):
        with pytest.raises(Killed):
            run(folder, allowed=allowed, checkpoint=tiny)
    run(folder, checkpoint=tiny)

    rows = pq.read_table(made / "candidates.parquet").num_rows
    assert len(asked) == rows + 3
    assert written(folder) == written(made)


def test_going_on_from_an_earlier_artifact_is_searching_all_rounds_at_once(
    tiny: Path, tmp_path: Path
) -> None:
    plain = {key: value for key, value in PARAMS.items() if key != "rescore"}
    run(tmp_path / "two", plain, checkpoint=tiny)
    run(tmp_path / "one", plain | {"search": SEARCH | {"rounds": 1}}, checkpoint=tiny)

    prefixes = run(tmp_path / "more", plain, checkpoint=tiny, earlier=tmp_path / "one")

    assert written(tmp_path / "more") == written(tmp_path / "two")
    assert prefixes == 2
