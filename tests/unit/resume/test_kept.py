"""States and pieces, whatever a kill or a power cut makes of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safebasin.agents.pieces import Pieces
from safebasin.progress import Silent
from safebasin.resume.durable import discard
from safebasin.tuning.resume import Record, ResumeState

from ...wear import TEARS, Tear, changes, dies_at

STEPS = 4


class Notes(Silent):
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def note(self, message: str) -> None:
        self.told.append(message)


def trained(folder: Path, notes: Notes, steps: int = STEPS) -> tuple[list[float], int]:
    """Train by a rule that any lost or doubled step shows in; return the weights and the steps."""
    torch.manual_seed(7)
    weights = {"w": torch.nn.Parameter(torch.ones(3))}
    optimizer = torch.optim.AdamW(weights.values(), lr=0.1)
    state = ResumeState(folder, 0.0, notes)
    record = state.load(weights, optimizer)
    taken = 0
    while record.step < steps:
        optimizer.zero_grad()
        (weights["w"] * torch.rand(3)).sum().backward()
        optimizer.step()
        record.step += 1
        taken += 1
        state.keep_if_due(record, weights, optimizer)
    return weights["w"].tolist(), taken


def test_a_run_that_dies_at_any_change_goes_on_to_the_same_weights(tmp_path):
    def run(place: str) -> list[float]:
        weights, _ = trained(tmp_path / place, Notes(), steps=2)
        discard(tmp_path / place)
        return weights

    whole = run("whole")
    number = changes(tmp_path, lambda: run("counted"))
    assert number > 20  # two states kept, the older dropped, all cleared
    for at in range(number):
        place = f"died-{at}"
        assert dies_at(at, tmp_path, lambda place=place: run(place))
        assert run(place) == whole, f"died at change {at}"
        assert not (tmp_path / place).exists()
        assert not (tmp_path / f"{place}.gone").exists()


def test_a_run_that_dies_twice_at_each_change_still_goes_on(tmp_path):
    whole, _ = trained(tmp_path / "whole", Notes())
    for at in range(3, 45, 7):
        folder = tmp_path / f"died-{at}"
        for again in (0, 2):
            dies_at(at - again, tmp_path, lambda folder=folder: trained(folder, Notes()))
        assert trained(folder, Notes())[0] == whole


@pytest.mark.parametrize("tear", TEARS.values(), ids=TEARS)
@pytest.mark.parametrize("file", ["tensors.safetensors", "record.json", "seal.json"])
def test_a_torn_state_is_absent_and_said_once(file: str, tear: Tear, tmp_path: Path):
    whole, _ = trained(tmp_path / "whole", Notes())
    folder, notes = tmp_path / "torn", Notes()
    trained(folder, notes, steps=2)
    tear(folder / "step-00000002" / file)

    assert trained(folder, notes) == (whole, STEPS)
    assert trained(folder, notes) == (whole, 0)
    assert notes.told == [
        "step-00000002, kept by an earlier try, is not used: it does not fit its seal"
    ]


@pytest.mark.parametrize("tear", TEARS.values(), ids=TEARS)
def test_an_older_whole_state_is_used_where_the_newest_is_torn(tear: Tear, tmp_path: Path):
    whole, _ = trained(tmp_path / "whole", Notes())
    folder, older = tmp_path / "torn", tmp_path / "torn" / "step-00000002"
    trained(folder, Notes(), steps=2)
    kept = {path.name: path.read_bytes() for path in older.iterdir()}
    trained(folder, Notes(), steps=3)
    older.mkdir()
    for name, content in kept.items():
        (older / name).write_bytes(content)
    tear(folder / "step-00000003" / "tensors.safetensors")

    assert trained(folder, Notes()) == (whole, 2)


def empty_folder(folder: Path) -> None:
    (folder / "step-00000002").mkdir(parents=True)


def a_file_for_a_folder(folder: Path) -> None:
    folder.mkdir()
    (folder / "step-00000002").write_text("x")


def half_deleted(folder: Path) -> None:
    trained(folder, Notes(), steps=2)
    (folder / "step-00000002").rename(folder / "step-00000002.gone")
    (folder / "step-00000002.gone" / "record.json").unlink()


def half_made(folder: Path) -> None:
    (folder / "new").mkdir(parents=True)
    (folder / "new" / "tensors.safetensors").write_bytes(b"half")


def an_unknown_file(folder: Path) -> None:
    trained(folder, Notes(), steps=2)
    (folder / "step-00000002" / ".nfs00001").write_bytes(b"x")
    (folder / "notes.txt").write_bytes(b"x")
    (folder / "step-tomorrow").mkdir()


@pytest.mark.parametrize(
    "left", [empty_folder, a_file_for_a_folder, half_deleted, half_made, an_unknown_file]
)
def test_whatever_else_lies_there_the_run_ends_in_the_same_weights(left, tmp_path):
    whole, _ = trained(tmp_path / "whole", Notes())
    left(tmp_path / "left")

    assert trained(tmp_path / "left", Notes())[0] == whole


def test_a_state_of_other_parameters_is_absent(tmp_path):
    notes = Notes()
    trained(tmp_path, notes, steps=2)
    other = {"w": torch.nn.Parameter(torch.ones(4))}

    record = ResumeState(tmp_path, 0.0, notes).load(other, torch.optim.AdamW(other.values()))

    assert record == Record()
    assert other["w"].tolist() == [1.0] * 4
    assert notes.told == [
        "step-00000002, kept by an earlier try, is not used: it is of other parameters"
    ]


@pytest.mark.parametrize("tear", TEARS.values(), ids=TEARS)
@pytest.mark.parametrize("file", ["piece", "seal.json"])
@pytest.mark.parametrize("kind", ["json", "tensors"])
def test_a_torn_piece_is_made_again(kind: str, file: str, tear: Tear, tmp_path: Path):
    made: list[str] = []

    def values() -> dict[str, list[int]]:
        made.append("json")
        return {"rows": [1, 2, 3]}

    def tensors() -> dict[str, torch.Tensor]:
        made.append("tensors")
        return {"rows": torch.tensor([1, 2, 3])}

    def rows(pieces: Pieces) -> list[int]:
        if kind == "json":
            return list(pieces.json("a", values)["rows"])
        return list(pieces.tensors("a", tensors)["rows"].tolist())

    assert rows(Pieces(tmp_path)) == [1, 2, 3]
    ending = "json" if kind == "json" else "safetensors"
    tear(tmp_path / "a" / (f"piece.{ending}" if file == "piece" else file))

    notes = Notes()
    for _ in range(3):
        assert rows(Pieces(tmp_path, notes)) == [1, 2, 3]
    assert made == [kind, kind]
    assert len(notes.told) == 1
    assert json.loads((tmp_path / "a" / "seal.json").read_text())
