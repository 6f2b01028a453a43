"""Models that look back a few tokens only: their caches forget, and batches still agree."""

from __future__ import annotations

import random

import pytest
import torch
from safebasin.models.chat import ChatFormat
from safebasin.models.device import seeded
from safebasin.models.generate import generate_answers
from safebasin.models.load import LoadedModel
from safebasin.models.read_prompts import ReadPrompts
from safebasin.models.tiny import train_tokenizer
from transformers import Qwen2Config, Qwen2ForCausalLM

from .test_generate import oracle

Prompt = tuple[int, ...]
WINDOW = 8
LONGEST = 12
TAILS = ((5,), (5, 6), tuple(range(20, 29)))
"""Shorter and longer than the window."""
HEAD = (0, 40, 41, 42, 43)


@pytest.fixture(scope="module")
def prompts() -> list[Prompt]:
    """Texts that begin alike and differ from then on, some shorter than the window."""
    draw = random.Random(4)
    return [(*HEAD, *(draw.randrange(3, 320) for _ in range(size))) for size in (2, 30, 9, 17)]


@pytest.fixture(
    scope="module",
    params=[["sliding_attention"] * 2, ["full_attention", "sliding_attention"]],
    ids=["all layers", "one of two layers"],
)
def loaded(request: pytest.FixtureRequest) -> LoadedModel:
    config = Qwen2Config(
        vocab_size=320, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=512,
        use_sliding_window=True, sliding_window=WINDOW, layer_types=request.param,
        initializer_range=0.2, bos_token_id=0, eos_token_id=1, pad_token_id=2,
    )  # fmt: skip
    with seeded(3):
        model = Qwen2ForCausalLM(config).eval().requires_grad_(False)
    return LoadedModel(model=model, tokenizer=train_tokenizer(320), device=torch.device("cpu"))


def test_the_window_tells_in_what_the_model_sees(
    loaded: LoadedModel, prompts: list[Prompt]
) -> None:
    text = torch.tensor([max(prompts, key=len)])
    other = text.clone()
    other[0, : -2 * WINDOW] = 9  # two layers look back twice as far

    with torch.inference_mode():
        logits, others = (loaded.model(input_ids=each).logits[0, -1] for each in (text, other))

    forgets = "full_attention" not in loaded.model.config.layer_types
    assert torch.allclose(logits, others, atol=1e-5) is forgets


@pytest.mark.parametrize("tail", TAILS, ids=len)
def test_answers_after_a_tail_are_those_of_the_plain_definition(
    loaded: LoadedModel, prompts: list[Prompt], tail: Prompt
) -> None:
    chat = ChatFormat(loaded.tokenizer)
    longer = [prompt + tail for prompt in prompts]

    answers = ReadPrompts(loaded, prompts, batch_size=4).answers(longer, LONGEST)

    assert [each.text for each in answers] == [
        chat.text(oracle(loaded, each, LONGEST)) for each in longer
    ]
    assert answers == generate_answers(loaded, longer, max_new_tokens=LONGEST, batch_size=3)


def test_rows_that_end_early_leave_the_others_as_they_are(
    loaded: LoadedModel, prompts: list[Prompt], monkeypatch: pytest.MonkeyPatch
) -> None:
    read = ReadPrompts(loaded, prompts, batch_size=4)
    longer = [prompt + TAILS[1] for prompt in prompts]
    free = [oracle(loaded, each, LONGEST) for each in longer]
    early = {token for tokens in free for token in tokens[1:WINDOW]}
    lasting = [tokens for tokens in free if len(tokens) == LONGEST]
    end = min(token for token in early if any(token not in tokens for tokens in lasting))
    monkeypatch.setattr(loaded.model.generation_config, "eos_token_id", [1, end])

    answers = read.answers(longer, LONGEST)

    chat = ChatFormat(loaded.tokenizer)
    kept = [[*tokens, end][: [*tokens, end].index(end)] for tokens in free]
    assert [each.text for each in answers] == [chat.text(tokens) for tokens in kept]
    assert [each.stop for each in answers] == [
        "eos" if len(tokens) < LONGEST else "length" for tokens in kept
    ]
    assert {each.stop for each in answers} == {"eos", "length"}
    assert read.answers(longer, LONGEST) == answers  # what was read is as it was
