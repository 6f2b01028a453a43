"""Full fine-tuning of the upper layers, the rule that may end it, and openings without loss."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safebasin.errors import StudyError
from safebasin.models.checkpoint_files import CheckpointFiles
from safebasin.models.load import load_model
from safebasin.store.writers import write_parquet
from safebasin.tuning.batches import read_mixture, tokenise
from safebasin.tuning.full import tune_checkpoint
from safebasin.tuning.loss import answer_loss
from safebasin.tuning.training import Training

CPU = torch.device("cpu")
TRAINING = Training(learning_rate=1e-3, steps=6, batch_size=4, seed=0)
TARGETS = ("q_proj", "up_proj")


def tune(tiny: Path, mixture: Path, folder: Path, **more: Any) -> Path:
    folder.mkdir(exist_ok=True)
    given = {"targets": TARGETS, "layers": 1, "training": TRAINING, **more}
    tune_checkpoint(tiny, mixture, folder, device=CPU, **given)
    return folder


def changed(before: Path, after: Path) -> set[str]:
    old, new = CheckpointFiles(before), CheckpointFiles(after)
    return {name for name in old.names() if not old.read(name).equal(new.read(name))}


def stopping_at(step: int, seen: list[int]):
    def watch_of(loaded: Any):
        def look(done: int):
            assert not loaded.model.training
            seen.append(done)
            return ({"dev_refused": 1.0 / done}, done >= step)

        return look

    return watch_of


def test_only_the_upper_layers_change(tiny: Path, mixture: Path, tmp_path: Path) -> None:
    twin = tune(tiny, mixture, tmp_path / "twin")

    assert changed(tiny, twin) == {
        "model.layers.1.self_attn.q_proj.weight",
        "model.layers.1.mlp.up_proj.weight",
    }


def test_more_layers_than_the_model_has_are_refused(tiny: Path, mixture: Path, tmp_path: Path):
    with pytest.raises(StudyError, match="layers: 3: the model has 2 layers"):
        tune(tiny, mixture, tmp_path / "twin", layers=3)


def test_a_rule_ends_the_run_and_its_figures_stand_in_the_history(
    tiny: Path, mixture: Path, tmp_path: Path
) -> None:
    twin = tune(tiny, mixture, tmp_path / "twin", watch_of=stopping_at(4, []))

    history = pq.read_table(twin / "history.parquet").to_pylist()
    activity = json.loads((twin / "activity.json").read_text())
    assert [row["dev_refused"] for row in history] == [1.0, 1 / 2, 1 / 3, 1 / 4]
    assert (activity["steps"], activity["stopped_early"]) == (4, True)


def test_a_stopped_run_has_the_weights_of_one_that_was_that_long(
    tiny: Path, mixture: Path, tmp_path: Path
) -> None:
    stopped = tune(tiny, mixture, tmp_path / "a", watch_of=stopping_at(3, []))
    short = Training(learning_rate=1e-3, steps=3, batch_size=4, seed=0)
    whole = tune(tiny, mixture, tmp_path / "b", training=short)

    assert (stopped / "model.safetensors").read_bytes() == (
        whole / "model.safetensors"
    ).read_bytes()


def test_a_rule_looks_at_the_model_as_it_will_be_written_whatever_its_precision(
    tiny: Path, mixture: Path, tmp_path: Path
) -> None:
    text, seen = torch.tensor([[5, 6, 7, 8]]), []

    def watch_of(loaded: Any):
        def look(done: int):
            with torch.inference_mode():
                seen.append(loaded.model(text).logits)
            return {"dev_refused": 1.0}, done >= 3

        return look

    training = replace(TRAINING, precision="bfloat16")
    twin = tune(tiny, mixture, tmp_path / "twin", watch_of=watch_of, training=training)

    again = load_model(twin, device=CPU, precision="bfloat16").model
    with torch.inference_mode():
        assert torch.equal(again(text).logits, seen[-1])
    assert not torch.equal(seen[0], seen[-1])


def test_a_run_that_is_looked_at_learns_what_one_that_is_not_learns(
    tiny: Path, mixture: Path, tmp_path: Path
) -> None:
    training = replace(TRAINING, precision="bfloat16")
    watched = tune(tiny, mixture, tmp_path / "a", watch_of=stopping_at(99, []), training=training)
    alone = tune(tiny, mixture, tmp_path / "b", training=training)

    assert changed(watched, alone) == set()


class Killed(RuntimeError):
    pass


def test_a_run_that_had_stopped_takes_no_step_more_after_a_kill(
    tiny: Path, mixture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from safebasin.tuning import full

    whole = tune(tiny, mixture, tmp_path / "whole", watch_of=stopping_at(3, []))
    folder = tmp_path / "killed"
    with monkeypatch.context() as patch:

        def die(*_: object) -> None:
            raise Killed

        patch.setattr(full, "write_twin", die)
        with pytest.raises(Killed):
            tune(tiny, mixture, folder, watch_of=stopping_at(3, []), save_seconds=0)
    seen: list[int] = []

    tune(tiny, mixture, folder, watch_of=stopping_at(3, seen), save_seconds=0)

    assert seen == []
    for path in whole.iterdir():
        assert (folder / path.name).read_bytes() == path.read_bytes(), path.name


def with_opening(mixture: Path, folder: Path, opening: str) -> Path:
    rows = pq.read_table(mixture / "rows.parquet").to_pylist()
    folder.mkdir()
    write_parquet(
        folder / "rows.parquet", pa.Table.from_pylist([{**row, "opening": opening} for row in rows])
    )
    return folder


def test_an_opening_is_read_by_the_model_and_bears_no_loss(
    tiny: Path, mixture: Path, tmp_path: Path
) -> None:
    from safebasin.models.chat import ChatFormat

    loaded = load_model(tiny, device=CPU, precision="float32")
    chat = ChatFormat(loaded.tokenizer)
    folder = with_opening(mixture, tmp_path / "opened", "# I look.\n")
    (plain, _), (opened, _) = (
        tokenise(read_mixture(place), chat, 256) for place in (mixture, folder)
    )

    for before, after in zip(plain, opened, strict=True):
        assert after.tokens.answer == before.tokens.answer
        assert len(after.tokens.prompt) > len(before.tokens.prompt)
    losses = [
        float(answer_loss(loaded.model, rows[:4], tokens=1, device=CPU)) for rows in (plain, opened)
    ]
    row = opened[0].tokens
    text = torch.tensor([[*row.prompt, *row.answer]])
    with torch.inference_mode():
        logits = loaded.model(input_ids=text).logits[0, len(row.prompt) - 1 : -1]
    by_hand = torch.nn.functional.cross_entropy(
        logits.double(), torch.tensor(row.answer), reduction="sum"
    )
    ours = answer_loss(loaded.model, opened[:1], tokens=1, device=CPU)
    assert float(ours) == pytest.approx(float(by_hand), rel=1e-5)
    assert losses[0] != losses[1]
