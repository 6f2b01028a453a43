"""Every family of the table in docs/models.md against plain transformers, PEFT and dense fp64."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import torch
from safebasin.agents import rollout
from safebasin.agents.prompting import Nothing
from safebasin.agents.rollout import RolloutSettings
from safebasin.agents.tasks import TaskCounts, choose_tasks
from safebasin.agents.world import load_world
from safebasin.directions.extract import Extraction, extract_direction
from safebasin.directions.reader import DirectionReader
from safebasin.models.adapter_files import read_pairs, tensor_name, write_adapter
from safebasin.models.chat import ChatFormat, TokenisedRow
from safebasin.models.generate import Answer, generate_answers
from safebasin.models.hidden_states import depth_of, prompt_states, steered
from safebasin.models.load import LoadedModel, load_model
from safebasin.models.read_prompts import ReadPrompts
from safebasin.models.targets import check_targets_of
from safebasin.store.writers import write_parquet
from safebasin.tuning.batches import TrainingRow
from safebasin.tuning.loss import answer_loss
from safebasin.tuning.objectives.asft import Asft
from safebasin.tuning.objectives.objective import LoraPair
from safebasin.tuning.projection import Choice, project_adapter
from safebasin.tuning.training import Lora, Training
from safebasin.tuning.tune import tune_adapter
from torch import Tensor

from .conftest import Pair
from .pairs import VOCABULARY, WINDOW

CPU = torch.device("cpu")
LONGEST = 8
HEAD = (0, 40, 41, 42)
RANK, ALPHA = 2, 4


def near(value: float) -> Any:
    return pytest.approx(value, rel=1e-4, abs=1e-6)


def prompts(*sizes: int) -> list[tuple[int, ...]]:
    """Texts that begin alike and differ from then on."""
    draw = random.Random(4)
    return [(*HEAD, *(draw.randrange(3, VOCABULARY) for _ in range(size))) for size in sizes]


def direction(pair: Pair, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    ends = pair.converted("chat"), pair.converted("base")
    check_targets_of(ends[0], pair.family.targets, "targets")
    extract_direction(*ends, folder, Extraction(targets=pair.family.targets))
    return folder


def factors(pair: Pair) -> dict[str, tuple[Tensor, Tensor]]:
    """Random factors of every matrix that is targeted."""
    draw = torch.Generator().manual_seed(7)
    shapes = {name: pair.plain[1].get_parameter(name).shape for name in pair.targeted()}
    return {
        name: (
            torch.randn(RANK, shape[1], generator=draw) * 0.2,
            torch.randn(shape[0], RANK, generator=draw) * 0.2,
        )
        for name, shape in shapes.items()
    }


def adapter(pair: Pair, folder: Path) -> Path:
    folder.mkdir()
    config = {
        "peft_type": "LORA",
        "r": RANK,
        "lora_alpha": ALPHA,
        "target_modules": list(pair.family.targets),
    }
    tensors = {
        tensor_name(name, factor): tensor
        for name, both in factors(pair).items()
        for factor, tensor in zip("AB", both, strict=True)
    }
    write_adapter(folder, config, tensors)
    return folder


def dense(pair: Pair, name: str) -> Tensor:
    """C = d d^T / ||d||_F, the square of d over its norm, in fp64."""
    base, aligned = (model.get_parameter(name).detach().double() for model in pair.plain)
    d = aligned - base
    return d @ d.T / d.norm()


def test_what_is_converted_computes_what_was_published(pair: Pair) -> None:
    text = torch.tensor([prompts(30)[0]])
    for name, plain in zip(("base", "chat"), pair.plain, strict=True):
        ours = load_model(pair.converted(name), device=CPU, precision="float32").model
        with torch.inference_mode():
            assert torch.equal(ours(text).logits, plain(text).logits)


def test_the_direction_is_the_difference_of_the_modules_weights(pair: Pair, tmp_path: Path) -> None:
    reader = DirectionReader(direction(pair, tmp_path))

    assert sorted(reader.names()) == pair.targeted()
    base, aligned = pair.plain
    for name in reader.names():
        weights = [model.get_parameter(name).detach().double() for model in (aligned, base)]
        torch.testing.assert_close(
            reader.read(name).double(), weights[0] - weights[1], atol=1e-7, rtol=1e-6
        )


def test_the_loss_of_packed_and_padded_rows_is_that_of_each_row_alone(pair: Pair) -> None:
    answers = prompts(3, 1, 5, 2, 4)
    rows = [
        TrainingRow(tokens=TokenisedRow(prompt=prompt, answer=answer[len(HEAD) :]), source="task")
        for prompt, answer in zip(prompts(2, 7, 4, 5, 3), answers, strict=True)
    ]
    total = 0.0
    with torch.inference_mode():
        for row in rows:
            text = [*row.tokens.prompt, *row.tokens.answer]
            logits = pair.plain[1](torch.tensor([text])).logits[0].double().log_softmax(-1)
            start = len(row.tokens.prompt)
            total -= sum(float(logits[at - 1, text[at]]) for at in range(start, len(text)))
        losses = [
            float(answer_loss(pair.loaded.model, rows, tokens=15, device=CPU, padded_to=size))
            for size in (0, WINDOW)
        ]

    assert losses == [near(total / 15)] * 2


def test_penalty_and_gradients_are_the_dense_ones(pair: Pair, tmp_path: Path) -> None:
    reader = DirectionReader(direction(pair, tmp_path))
    for name, (a, b) in factors(pair).items():
        ours = [each.clone().requires_grad_() for each in (a, b)]
        exact = [each.double().requires_grad_() for each in (a, b)]
        objective = Asft(weight=1.0)
        objective.bind([LoraPair(name=name, a=ours[0], b=ours[1], scale=2.0)], reader)
        update = exact[1] @ exact[0]
        wanted = (update - dense(pair, name) @ update).square().sum()
        wanted.backward()

        penalty = float(objective.add_gradients(0)["penalty"])
        assert penalty == near(float(wanted.detach()))
        for got, gradient in zip(ours, exact, strict=True):
            torch.testing.assert_close(
                got.grad.double(), gradient.grad, rtol=1e-4, atol=1e-5 * float(gradient.grad.norm())
            )


def test_safe_lora_projects_each_update_as_the_dense_product_does(
    pair: Pair, tmp_path: Path
) -> None:
    made = adapter(pair, tmp_path / "adapter")
    (tmp_path / "out").mkdir()
    project_adapter(made, direction(pair, tmp_path / "d"), tmp_path / "out", Choice(threshold=1.0))

    projected = {
        each.name: each.b.double() @ each.a.double() for each in read_pairs(tmp_path / "out")
    }
    assert sorted(projected) == pair.targeted()
    for name, (a, b) in factors(pair).items():
        wanted = dense(pair, name) @ b.double() @ a.double()
        assert float((projected[name] - wanted).norm()) < 1e-5 * float(wanted.norm())


def test_a_tuned_adapter_reaches_every_matrix_and_loads_as_peft_loads_it(
    pair: Pair, tmp_path: Path
) -> None:
    from peft import PeftModel

    (tmp_path / "mixture").mkdir()
    (tmp_path / "adapter").mkdir()
    rows = [
        {
            "id": f"row-{at}",
            "messages": [{"role": "user", "content": "a"}],
            "response": "b",
            "source": "task",
            "corpus": "neutral",
            "group": at,
        }
        for at in range(4)
    ]
    write_parquet(tmp_path / "mixture" / "rows.parquet", pa.Table.from_pylist(rows))
    tune_adapter(
        pair.converted("chat"),
        tmp_path / "mixture",
        direction(pair, tmp_path / "direction"),
        tmp_path / "adapter",
        method={"type": "asft", "lambda": 1.0},
        lora=Lora(rank=RANK, alpha=ALPHA, dropout=0.0, targets=list(pair.family.targets)),
        training=Training(learning_rate=0.05, steps=2, batch_size=2, seed=0, max_length=WINDOW),
        device=CPU,
    )
    told = json.loads((tmp_path / "adapter" / "activity.json").read_text())
    ours = load_model(
        pair.converted("chat"), device=CPU, precision="float32", adapter=tmp_path / "adapter"
    )
    with torch.inference_mode():
        text = torch.tensor([prompts(30)[0]])
        bare = pair.plain[1](text).logits
        theirs = PeftModel.from_pretrained(pair.plain[1], str(tmp_path / "adapter")).eval()
        wanted = theirs(text).logits
        theirs.unload()
        got = ours.model(text).logits

    assert [each.name for each in read_pairs(tmp_path / "adapter")] == pair.targeted()
    assert told["covered_matrices"] == told["expected_matrices"] == len(pair.targeted())
    assert not torch.allclose(wanted, bare, atol=1e-3)
    torch.testing.assert_close(got, wanted, atol=2e-4 * float(wanted.abs().max()), rtol=1e-3)


def said(pair: Pair, prompt: tuple[int, ...]) -> str:
    """What the library's own ``generate`` says to one prompt, greedily."""
    tokens = pair.plain[1].generate(
        torch.tensor([prompt]),
        attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
        do_sample=False,
        max_new_tokens=LONGEST,
    )
    return ChatFormat(pair.loaded.tokenizer).text(tokens[0, len(prompt) :].tolist())


def test_batched_answers_are_those_of_generate(pair: Pair) -> None:
    asked = prompts(2, 2 * WINDOW + 9, 9, WINDOW, 17)

    answers = generate_answers(pair.loaded, asked, max_new_tokens=LONGEST, batch_size=3)

    assert [each.text for each in answers] == [said(pair, prompt) for prompt in asked]
    assert len({each.text for each in answers}) > 2


def test_a_conversation_goes_on_from_what_was_read(pair: Pair) -> None:
    pages = prompts(2, 2 * WINDOW, 9)
    read = ReadPrompts(pair.loaded, pages, batch_size=3)

    for tail in ((5,), (5, 6, 7), tuple(range(20, 20 + WINDOW + 3))):
        longer = [page + tail for page in pages]
        answers = read.answers(longer, LONGEST)
        assert [each.text for each in answers] == [said(pair, each) for each in longer]


def test_an_agent_says_at_every_turn_what_generate_says(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = load_world({"type": "dojo"})
    tasks = choose_tasks(world, "test", TaskCounts(harmful=1, benign=1))
    asked: list[tuple[tuple[int, ...], str]] = []

    def seen(loaded: LoadedModel, prompts: list[tuple[int, ...]], **more: Any) -> list[Answer]:
        answers = generate_answers(loaded, prompts, **more)
        asked.extend((prompt, one.text) for prompt, one in zip(prompts, answers, strict=True))
        return answers

    monkeypatch.setattr(rollout, "generate_answers", seen)
    settings = RolloutSettings(max_new_tokens=LONGEST, batch_size=4, history=True)
    rollout.play(pair.loaded, world, tasks, Nothing(), settings)

    assert len(asked) > len(tasks), "each agent has more than one turn"
    for prompt, text in asked[:: max(1, len(asked) // 4)]:
        assert text == said(pair, prompt)


def test_states_are_those_of_each_prompt_alone_and_can_be_steered(pair: Pair) -> None:
    asked = prompts(2, 2 * WINDOW, 9)
    layers = range(depth_of(pair.loaded))

    found = prompt_states(pair.loaded, asked, list(layers), batch_size=3)

    for place, prompt in enumerate(asked):
        with torch.inference_mode():
            told = pair.plain[1](torch.tensor([prompt]), output_hidden_states=True).hidden_states
        assert len(told) == len(layers) + 1
        for layer in layers:
            size = float(told[layer].abs().max())
            for got, wanted in (
                (found.pooled[layer, place], told[layer][0].mean(dim=0)),
                (found.final[layer, place], told[layer][0, -1]),
            ):
                torch.testing.assert_close(got, wanted, atol=1e-5 * size, rtol=1e-4)
    free = generate_answers(pair.loaded, asked, max_new_tokens=3, batch_size=3)
    with steered(pair.loaded, {1: 9 * torch.ones(found.pooled.shape[-1]).cumsum(0).cos()}):
        assert generate_answers(pair.loaded, asked, max_new_tokens=3, batch_size=3) != free
