from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import torch
from safebasin.errors import DefenceOff, StudyError
from safebasin.models.chat import ChatFormat
from safebasin.models.checkpoint_files import CheckpointFiles
from safebasin.models.load import load_model, load_tokenizer
from safebasin.progress import Item, Silent
from safebasin.resume.place import state_of
from safebasin.stopped import Stopped
from safebasin.store.writers import write_safetensors
from safebasin.tuning import tune
from safebasin.tuning.activity import check_all_named
from safebasin.tuning.batches import read_mixture, tokenise
from safebasin.tuning.objectives.objective import Coverage, LoraPair, Objective
from safebasin.tuning.objectives.ridge import Ridge
from safebasin.tuning.resume import ResumeState
from safebasin.tuning.training import Lora, Order, Training
from safetensors.torch import load_file

CPU = torch.device("cpu")
LORA = Lora(rank=2, alpha=4, dropout=0.1, targets=["q_proj", "v_proj"])
TRAINING = Training(learning_rate=1e-2, steps=5, batch_size=4, micro_batch=3, clip=1.0, seed=3)
SFT = {"type": "sft"}
RIDGE = {"type": "ridge", "lambda": 1.0}
RESULTS = tune.ADAPTER_FILES


def run(
    tiny: Path, mixture: Path, folder: Path, method: dict[str, object] = SFT, **more: Any
) -> Path:
    folder.mkdir(exist_ok=True)
    given = {"lora": LORA, "training": TRAINING, **more}
    tune.tune_adapter(tiny, mixture, None, folder, method=method, device=CPU, **given)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def killed_run(tiny: Path, mixture: Path, folder: Path, after: int) -> None:
    """Run with a state at every step and kill the own process once ``after`` are kept."""
    keep = ResumeState.keep_if_due
    kept = 0

    def keep_and_die(self: ResumeState, *args: Any) -> None:
        nonlocal kept
        keep(self, *args)
        kept += 1
        if kept == after:
            os.kill(os.getpid(), signal.SIGKILL)

    ResumeState.keep_if_due = keep_and_die  # type: ignore[method-assign]
    run(tiny, mixture, folder, RIDGE, save_seconds=0.0)


def test_a_run_repeats_its_bytes_and_holds_only_its_declared_files(
    tiny: Path, mixture: Path, tmp_path: Path
) -> None:
    first = contents(run(tiny, mixture, tmp_path / "a"))
    second = contents(run(tiny, mixture, tmp_path / "b"))

    assert first == second
    assert sorted(first) == sorted(RESULTS)


@pytest.mark.parametrize("after", [1, 4])
def test_a_killed_and_resumed_run_gives_the_bytes_of_an_undisturbed_one(
    tiny: Path, mixture: Path, tmp_path: Path, after: int
) -> None:
    whole = contents(run(tiny, mixture, tmp_path / "whole", RIDGE))
    folder = tmp_path / "killed"
    child = multiprocessing.get_context("spawn").Process(
        target=killed_run, args=(tiny, mixture, folder, after)
    )
    child.start()
    child.join()
    assert child.exitcode == -signal.SIGKILL
    assert [state.name for state in state_of(folder).iterdir()] == [f"step-{after:08d}"]

    run(tiny, mixture, folder, RIDGE)

    assert contents(folder) == whole


class Terminated(Silent):
    """Work that is asked to stop while item number ``at`` is at hand."""

    def __init__(self, at: int) -> None:
        self.at = at

    def over(self, items: Iterable[Item], label: str, total: int | None = None) -> Iterator[Item]:
        for number, item in enumerate(items, start=1):
            if number == self.at:
                os.kill(os.getpid(), signal.SIGTERM)
            yield item


def test_asked_to_stop_it_finishes_the_step_and_goes_on_from_there_to_the_same_bytes(
    tiny: Path, mixture: Path, tmp_path: Path
) -> None:
    whole = contents(run(tiny, mixture, tmp_path / "whole", RIDGE))
    folder, before = tmp_path / "stopped", signal.getsignal(signal.SIGTERM)

    with pytest.raises(Stopped, match="3 steps are done"):
        run(tiny, mixture, folder, RIDGE, save_seconds=3600.0, progress=Terminated(at=3))

    assert [state.name for state in state_of(folder).iterdir()] == ["step-00000003"]
    assert signal.getsignal(signal.SIGTERM) == before
    run(tiny, mixture, folder, RIDGE)
    assert contents(folder) == whole


@pytest.mark.parametrize("order", ["shuffled", "file"])
def test_rows_are_fed_in_the_order_that_is_asked_for(
    tiny: Path, mixture: Path, tmp_path: Path, order: Order
) -> None:
    rows = read_mixture(mixture)
    tokens, _ = tokenise(rows, ChatFormat(load_tokenizer(tiny)), TRAINING.max_length)
    filed = [len(row.tokens.answer) for row in tokens]
    one_by_one = replace(TRAINING, steps=2 * len(rows), batch_size=1, order=order)

    folder = run(tiny, mixture, tmp_path / "a", training=one_by_one)

    fed = pq.read_table(folder / "history.parquet").column("answer_tokens").to_pylist()
    assert sorted(fed) == sorted(2 * filed)
    assert (fed == 2 * filed) == (order == "file")


def test_a_penalty_of_weight_zero_trains_the_weights_of_plain_fine_tuning(
    tiny: Path, mixture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = contents(run(tiny, mixture, tmp_path / "sft"))
    ridge = contents(run(tiny, mixture, tmp_path / "ridge", RIDGE))
    monkeypatch.setattr(tune, "load_objective", lambda _: Ridge(weight=0.0))
    monkeypatch.setattr(tune, "check_trace", lambda *_: None)  # it would rightly refuse this

    zero = contents(run(tiny, mixture, tmp_path / "zero", RIDGE))

    name = "adapter_model.safetensors"
    assert zero[name] == plain[name]
    assert ridge[name] != plain[name]


@pytest.mark.parametrize("targets", [["q_proj", "v_proj"], ["q_proj", "lm_head"]])
def test_peft_loads_the_adapter_once_the_base_is_named(
    targets: list[str], tiny: Path, mixture: Path, tmp_path: Path
) -> None:
    from peft import PeftModel

    folder = run(tiny, mixture, tmp_path / "a", lora=replace(LORA, targets=targets))
    bare = load_model(tiny, device=CPU, precision="float32").model
    tokens = torch.tensor([[5, 6, 7]])
    before = bare(tokens).logits

    peft_logits = PeftModel.from_pretrained(bare, str(folder))(tokens).logits
    ours, rounded = (
        load_model(tiny, device=CPU, precision=precision, adapter=folder).model
        for precision in ("float32", "bfloat16")
    )

    torch.testing.assert_close(ours(tokens).logits, peft_logits)
    assert not torch.allclose(peft_logits, before)
    tied = "lm_head" in targets  # merged, it would move the embeddings too
    assert isinstance(ours, PeftModel) == tied
    assert isinstance(rounded, PeftModel)
    config = json.loads((folder / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == tiny.name


def test_history_and_activity_tell_cross_entropy_and_penalty_apart(
    tiny: Path, mixture: Path, tmp_path: Path
) -> None:
    folder = run(tiny, mixture, tmp_path / "a", RIDGE)

    history = pq.read_table(folder / "history.parquet").to_pydict()
    activity = json.loads((folder / "activity.json").read_text())

    assert history["step"] == list(range(TRAINING.steps))
    assert history["penalty"][0] == 0.0
    assert history["penalty"][-1] > 0
    assert history["cross_entropy"][-1] < history["cross_entropy"][0]
    assert activity["expected_matrices"] == activity["covered_matrices"] == 4
    assert sum(activity["rows_seen"].values()) == TRAINING.steps * TRAINING.batch_size
    assert activity["forward_passes"] == activity["backward_passes"] == 2 * TRAINING.steps
    assert 0 < activity["gradient_share_mean"] < 1
    assert activity["answer_tokens"] == sum(history["answer_tokens"])


class Partial(Objective):
    def bind(self, pairs: Sequence[LoraPair], direction: object) -> Coverage:
        names = tuple(pair.name for pair in pairs[1:])
        return Coverage(expected=len(pairs), covered=1, missing=names)


class Idle(Objective):
    pass


class Diverging(Objective):
    def add_gradients(self, step: int) -> dict[str, float]:
        return {"penalty": float("nan") if step == 2 else 1.0}


@pytest.mark.parametrize(
    ("objective", "error", "message"),
    [
        (Partial, DefenceOff, r"covers 1 of 4 .*layers\.0\.self_attn\.v_proj"),
        (Idle, DefenceOff, "left no trace in 5 steps"),
        (Diverging, StudyError, "step 2: penalty = nan"),
    ],
)
def test_a_method_that_is_off_or_diverges_stops_the_run(
    tiny: Path,
    mixture: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    objective: type[Objective],
    error: type[Exception],
    message: str,
) -> None:
    monkeypatch.setattr(tune, "load_objective", lambda _: objective())

    with pytest.raises(error, match=message):
        run(tiny, mixture, tmp_path / "a", {"type": "mine"})
    assert not (tmp_path / "a/adapter_model.safetensors").exists()


def test_an_adapter_that_learnt_nothing_is_an_error(
    tiny: Path, mixture: Path, tmp_path: Path
) -> None:
    still = Training(learning_rate=0.0, steps=1, batch_size=2)

    with pytest.raises(DefenceOff, match="still 0"):
        run(tiny, mixture, tmp_path / "a", training=still)


def test_an_unknown_target_is_named_with_those_that_exist(
    tiny: Path, mixture: Path, tmp_path: Path
) -> None:
    with pytest.raises(StudyError, match=r"w_qkv.* names no linear layer.*q_proj"):
        run(tiny, mixture, tmp_path / "a", lora=Lora(rank=2, alpha=4, targets=["w_qkv"]))


def test_a_target_that_also_names_what_carries_no_adapter_is_refused(
    tiny: Path, mixture: Path, tmp_path: Path
) -> None:
    """Experts lie in a file one by one, and in the model as one tensor that LoRA passes by."""
    odd = Path(shutil.copytree(tiny, tmp_path / "odd"))
    tensors = load_file(str(odd / "model.safetensors"))
    for expert in range(7):
        tensors[f"model.layers.1.mlp.experts.{expert}.up_proj.weight"] = torch.ones(4, 4)
    tensors["model.layers.1.mlp.experts.down_proj"] = torch.ones(2, 4, 4)
    write_safetensors(odd / "model.safetensors", tensors)
    targets = ["up_proj", "down_proj", "q_proj"]

    pairs = [
        LoraPair(name=name, a=torch.ones(1), b=torch.ones(1), scale=1.0)
        for name in tensors
        if name.split(".")[-2] in targets and "experts" not in name
    ]
    with pytest.raises(DefenceOff, match=r"name 14 matrices .* 8 of them .*experts.*and 3 more"):
        check_all_named(CheckpointFiles(odd), targets, pairs)
    check_all_named(CheckpointFiles(tiny), targets, pairs)
