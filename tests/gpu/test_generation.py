"""Generation and hidden states on a GPU against the CPU, and batched against one by one."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safebasin.models.chat import ChatFormat
from safebasin.models.generate import generate_answers
from safebasin.models.hidden_states import prompt_states, steered
from safebasin.models.load import LoadedModel, load_model

pytestmark = pytest.mark.gpu
THINGS = ("a bridge", "the weather", "a quiet lake", "the number seven", "an old recipe")


def prompts_of(loaded: LoadedModel) -> list[tuple[int, ...]]:
    chat = ChatFormat(loaded.tokenizer)
    return [
        chat.prompt([{"role": "user", "content": f"Rate {thing}" + "." * place}])
        for place, thing in enumerate(THINGS)
    ]


@pytest.fixture(scope="module")
def loaded(gpu: torch.device, tiny: Path) -> LoadedModel:
    return load_model(tiny, device=gpu, precision="float32")


@pytest.fixture(scope="module")
def on_cpu(tiny: Path) -> LoadedModel:
    return load_model(tiny, device=torch.device("cpu"), precision="float32")


@pytest.mark.parametrize("batch_size", [1, 2, 5])
def test_answers_are_those_of_the_cpu(loaded, on_cpu, batch_size):
    given = {"max_new_tokens": 12, "batch_size": batch_size}
    assert generate_answers(loaded, prompts_of(loaded), **given) == generate_answers(
        on_cpu, prompts_of(on_cpu), **given
    )


def test_bf16_answers_repeat(gpu, tiny):
    low = load_model(tiny, device=gpu, precision="bfloat16")
    first, second = (
        generate_answers(low, prompts_of(low), max_new_tokens=12, batch_size=3) for _ in range(2)
    )
    assert first == second


def test_states_and_steered_answers_are_those_of_the_cpu(loaded, on_cpu):
    ours, theirs = (
        prompt_states(each, prompts_of(each), [0, 1, 2], batch_size=2) for each in (loaded, on_cpu)
    )
    torch.testing.assert_close(ours.pooled, theirs.pooled, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(ours.final, theirs.final, rtol=1e-4, atol=1e-5)
    answers = []
    for each in (loaded, on_cpu):
        with steered(each, {1: torch.full((32,), 0.5), 2: torch.full((32,), -0.5)}):
            answers.append(generate_answers(each, prompts_of(each), max_new_tokens=8, batch_size=5))
    assert answers[0] == answers[1]
