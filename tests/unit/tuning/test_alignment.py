from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safebasin.errors import DefenceOff, StudyError
from safebasin.models.chat import ChatFormat
from safebasin.models.checkpoint_files import CheckpointFiles
from safebasin.models.generate import generate_answers
from safebasin.models.load import load_model
from safebasin.resume.place import state_of
from safebasin.store.writers import write_parquet
from safebasin.tuning.alignment import align_checkpoint, answer_own_rows
from safebasin.tuning.batches import read_mixture
from safebasin.tuning.resume import Record, ResumeState
from safebasin.tuning.training import Training

CPU = torch.device("cpu")
TRAINING = Training(learning_rate=1e-3, steps=3, batch_size=4, seed=0)
TARGETS = ("q_proj", "up_proj")


@pytest.fixture(scope="module")
def open_mixture(mixture: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The mixture with some rows that the model is to answer itself."""
    rows = pq.read_table(mixture / "rows.parquet").to_pylist()
    for row in rows[:3]:
        row["response"] = None
    folder = tmp_path_factory.mktemp("open")
    write_parquet(folder / "rows.parquet", pa.Table.from_pylist(rows))
    return folder


def align(tiny: Path, mixture: Path, folder: Path, **more: object) -> Path:
    folder.mkdir(exist_ok=True)
    given = {"targets": TARGETS, "training": TRAINING, **more}
    align_checkpoint(tiny, mixture, folder, device=CPU, **given)  # type: ignore[arg-type]
    return folder


def test_the_twin_differs_from_its_base_in_the_target_matrices_alone(
    tiny: Path, open_mixture: Path, tmp_path: Path
) -> None:
    twin = align(tiny, open_mixture, tmp_path / "twin")

    base_files, twin_files = CheckpointFiles(tiny), CheckpointFiles(twin)
    changed = {
        name
        for name in base_files.names()
        if not base_files.read(name).equal(twin_files.read(name))
    }
    assert changed == {
        name for name in base_files.names() if any(f".{target}." in name for target in TARGETS)
    }
    for path in tiny.iterdir():
        if path.suffix != ".safetensors":
            assert (twin / path.name).read_bytes() == path.read_bytes()
    assert sorted(p.name for p in twin.iterdir()) == sorted(p.name for p in tiny.iterdir())
    load_model(twin, device=CPU, precision="float32")


def test_two_runs_give_the_same_bytes(tiny: Path, open_mixture: Path, tmp_path: Path) -> None:
    first, second = (align(tiny, open_mixture, tmp_path / name) for name in "ab")

    name = "model.safetensors"
    assert (first / name).read_bytes() == (second / name).read_bytes()


def killed_alignment(tiny: Path, mixture: Path, folder: Path) -> None:
    """Align with a state at every step and kill the own process after the second."""
    keep = ResumeState.keep_if_due

    def keep_and_die(self: ResumeState, record: Record, *args: Any) -> None:
        keep(self, record, *args)
        if record.step == 2:
            os.kill(os.getpid(), signal.SIGKILL)

    ResumeState.keep_if_due = keep_and_die  # type: ignore[method-assign, assignment]
    align(tiny, mixture, folder, save_seconds=0.0)


def test_a_killed_and_resumed_run_gives_the_bytes_of_an_undisturbed_one(
    tiny: Path, open_mixture: Path, tmp_path: Path
) -> None:
    whole = align(tiny, open_mixture, tmp_path / "whole")
    folder = tmp_path / "killed"
    child = multiprocessing.get_context("spawn").Process(
        target=killed_alignment, args=(tiny, open_mixture, folder)
    )
    child.start()
    child.join()
    assert child.exitcode == -signal.SIGKILL
    assert state_of(folder).exists()

    align(tiny, open_mixture, folder)

    name = "model.safetensors"
    assert (folder / name).read_bytes() == (whole / name).read_bytes()


def test_a_row_without_a_response_is_answered_by_the_base_itself(
    tiny: Path, open_mixture: Path, tmp_path: Path
) -> None:
    loaded = load_model(tiny, device=CPU, precision="float32")
    rows = read_mixture(open_mixture)

    completed = answer_own_rows(loaded, rows, tmp_path / "resume")

    own = [new.response for old, new in zip(rows, completed, strict=True) if old.response is None]
    chat = ChatFormat(loaded.tokenizer)
    answers = generate_answers(
        loaded,
        [chat.prompt(row.messages) for row in rows if row.response is None],
        max_new_tokens=48,
        batch_size=32,
    )
    assert own == [answer.text for answer in answers]
    assert [row for row in completed if row in rows] == [row for row in rows if row.response]


def test_an_unchanged_target_is_an_error(tiny: Path, mixture: Path, tmp_path: Path) -> None:
    with pytest.raises(DefenceOff, match="unchanged"):
        align(tiny, mixture, tmp_path / "a", training=Training(learning_rate=0.0, steps=1))


def test_an_unknown_target_is_named(tiny: Path, mixture: Path, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="w_qkv"):
        align(tiny, mixture, tmp_path / "a", targets=("w_qkv",))
