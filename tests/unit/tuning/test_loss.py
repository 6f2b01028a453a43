from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
from safebasin.errors import StudyError
from safebasin.models.chat import TokenisedRow
from safebasin.models.load import load_model
from safebasin.tuning import loss
from safebasin.tuning.batches import TrainingRow
from transformers import AutoConfig

CPU = torch.device("cpu")
SINGLE, PAIRS, ALL = 1, 60, 1024
"""Tokens of a pack that holds one row, two, or all three."""
HEAD = tuple(range(10, 30))
ROWS = [
    TrainingRow(
        tokens=TokenisedRow(prompt=(*HEAD, 40 + i, *range(50, 50 + i)), answer=answer), source=""
    )
    for i, answer in enumerate([(60, 61, 1), (62, 1), (63, 64, 65, 66, 1)])
]


def dense(model: object, rows: list[TrainingRow], tokens: int) -> torch.Tensor:
    """Score each row alone, with all logits and no padding."""
    total = torch.zeros(())
    for row in rows:
        text = torch.tensor([[*row.tokens.prompt, *row.tokens.answer]])
        scores = model(input_ids=text).logits[0].log_softmax(-1)  # type: ignore[operator]
        for place in range(len(row.tokens.prompt), text.shape[1]):
            total = total - scores[place - 1, text[0, place]]
    return total / tokens


@pytest.mark.parametrize("longest", [SINGLE, PAIRS, ALL])
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_loss_and_gradients_are_those_of_each_answer_token_alone(
    tiny: Path, longest: int, attention: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loss, "_LONGEST_PACK", longest)
    model = load_model(tiny, device=CPU, precision="float32").model
    model.set_attn_implementation(attention)
    weights = [model.model.layers[i].self_attn.k_proj.weight.requires_grad_() for i in (0, 1)]

    value = loss.answer_loss(model, ROWS, tokens=10, device=CPU)

    expected = dense(model, ROWS, 10)
    torch.testing.assert_close(value, expected, rtol=1e-5, atol=0)
    for mine, oracle in zip(
        torch.autograd.grad(value, weights), torch.autograd.grad(expected, weights), strict=True
    ):
        torch.testing.assert_close(mine, oracle, rtol=1e-4, atol=1e-7)


def test_rows_that_are_equal_are_each_counted(tiny: Path) -> None:
    model = load_model(tiny, device=CPU, precision="float32").model

    twice = loss.answer_loss(model, [ROWS[0], ROWS[0]], tokens=1, device=CPU)

    torch.testing.assert_close(twice, dense(model, [ROWS[0], ROWS[0]], 1), rtol=1e-5, atol=0)


def test_bfloat16_weights_take_the_mask(tiny: Path) -> None:
    model = load_model(tiny, device=CPU, precision="bfloat16").model

    value = loss.answer_loss(model, ROWS, tokens=10, device=CPU)

    torch.testing.assert_close(value, dense(model, ROWS, 10).float(), rtol=0.02, atol=0)


@pytest.mark.parametrize("padded_to", [0, 40, 512])
def test_padding_on_the_right_is_the_same_loss(tiny: Path, padded_to: int) -> None:
    """AsFT's authors pad so (token 0, masked, no label, to 512); nothing but cost differs."""
    model = load_model(tiny, device=CPU, precision="float32").model
    texts = [(*row.tokens.prompt, *row.tokens.answer) for row in ROWS]
    tokens = torch.tensor([[*text, *[0] * (512 - len(text))] for text in texts])
    labels = torch.full_like(tokens, -100)
    for label, text, row in zip(labels, texts, ROWS, strict=True):
        label[len(row.tokens.prompt) : len(text)] = torch.tensor(row.tokens.answer)
    mask = torch.tensor([[1] * len(text) + [0] * (512 - len(text)) for text in texts])

    padded = model(input_ids=tokens, attention_mask=mask, labels=labels).loss

    ours = loss.answer_loss(model, ROWS, tokens=10, device=CPU, padded_to=padded_to)
    torch.testing.assert_close(ours, padded, rtol=1e-5, atol=0)


def test_padded_rows_are_really_fed(tiny: Path) -> None:
    """The reference's cost is what the switch is for: each row brings its own filling."""
    model = load_model(tiny, device=CPU, precision="float32").model
    fed: list[int] = []
    model.register_forward_pre_hook(
        lambda _module, _args, given: fed.append(given["input_ids"].shape[1]), with_kwargs=True
    )
    for padded_to in (0, 200):
        loss.answer_loss(model, ROWS, tokens=10, device=CPU, padded_to=padded_to)

    assert fed == [20 + (1 + 2) + (2 + 1) + (3 + 4), 20 + 3 * (199 - 20)]


@pytest.mark.parametrize(
    ("kind", "settings", "refused"),
    [
        ("qwen2", {"sliding_window": 20, "use_sliding_window": True, "max_window_layers": 1}, True),
        (
            "qwen2",
            {"sliding_window": 28, "use_sliding_window": True, "max_window_layers": 1},
            False,
        ),
        ("qwen2", {"sliding_window": 20, "use_sliding_window": False}, False),
        ("qwen2", {"sliding_window": None}, False),
        ("mistral", {"sliding_window": 20}, True),
        ("gemma3_text", {"sliding_window": 20}, True),
        ("llama4_text", {"attention_chunk_size": 20}, True),
        ("llama", {}, False),
    ],
)
def test_rows_beyond_a_sliding_window_are_refused(
    kind: str, settings: dict[str, Any], refused: bool
) -> None:
    config = AutoConfig.for_model(kind, num_hidden_layers=2, **settings)
    with pytest.raises(StudyError, match=r"28 tokens.*max_length") if refused else nullcontext():
        loss.check_window(config, ROWS)
