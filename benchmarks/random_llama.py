"""A pair of random checkpoints of a given shape, and random text to train on."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import torch
from safebasin.models.chat import TokenisedRow
from safebasin.models.device import seeded
from safebasin.models.folder import write_checkpoint
from safebasin.models.load import LoadedModel, Precision
from safebasin.models.tiny import train_tokenizer
from safebasin.store.writers import write_parquet
from safebasin.tuning.batches import TrainingRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Size of the model and of the work."""

    hidden: int
    intermediate: int
    layers: int
    heads: int
    vocabulary: int
    lengths: tuple[int, int]
    """Tokens of a training row, half of them the answer: long ones, short ones."""
    rows: int
    """Of a whole adapter's mixture, seen once, 8 a step."""
    batches: tuple[int, ...]
    """Prompts at once."""
    prompt: int
    """Tokens of a prompt."""
    new_tokens: int
    upper: int
    """Layers that are enough where all would take too long, or too much memory."""

    @property
    def tokens(self) -> int:
        """Tokens of a long row."""
        return self.lengths[0]


SHAPES = {
    "llama2-7b": Shape(
        hidden=4096, intermediate=11008, layers=32, heads=32, vocabulary=32000,
        lengths=(512, 90), rows=304, batches=(16, 64, 128), prompt=128, new_tokens=32, upper=4,
    ),
    "tiny": Shape(
        hidden=128, intermediate=192, layers=2, heads=32, vocabulary=320,
        lengths=(32, 12), rows=16, batches=(2, 4), prompt=12, new_tokens=4, upper=1,
    ),
}  # fmt: skip


def build_llama(
    shape: Shape,
    device: torch.device,
    precision: Precision,
    *,
    layers: int | None = None,
    kv_heads: int | None = None,
) -> LoadedModel:
    """Return a model with random weights, made where it is to run, and a tokenizer."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        intermediate_size=shape.intermediate,
        num_hidden_layers=layers or shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=kv_heads or shape.heads,
        eos_token_id=1,
        pad_token_id=2,
        bos_token_id=0,
    )
    torch.set_default_dtype(getattr(torch, precision))
    try:
        with seeded(0), device:
            model = LlamaForCausalLM(config)
    finally:
        torch.set_default_dtype(torch.float32)
    model = model.eval().requires_grad_(False)
    return LoadedModel(model=model, tokenizer=train_tokenizer(320), device=device)


def write_pair(root: Path, shape: Shape, targets: Sequence[str], device: torch.device) -> None:
    """Write ``base`` and ``aligned``: bf16, random, apart by noise in the targets."""
    made = build_llama(shape, device, "bfloat16")
    write_checkpoint(root / "base", made.model, made.tokenizer)
    with torch.no_grad(), seeded(1):
        for name, weight in made.model.named_parameters():
            if any(target in name for target in targets):
                weight += 7e-4 * torch.randn_like(weight)
    write_checkpoint(root / "aligned", made.model, made.tokenizer)


def random_prompts(shape: Shape, count: int) -> list[tuple[int, ...]]:
    """Return prompts of random tokens, all of full length and with nothing in common."""
    draw = random.Random(1)
    return [tuple(draw.choices(range(3, 300), k=shape.prompt)) for _ in range(count)]


def random_rows(tokens: int, count: int) -> list[TrainingRow]:
    """Return rows of so many random tokens, with nothing in common."""
    draw = random.Random(0)
    half = tokens // 2
    return [
        TrainingRow(
            tokens=TokenisedRow(
                prompt=tuple(draw.choices(range(3, 300), k=half)),
                answer=tuple(draw.choices(range(3, 300), k=tokens - half)),
            ),
            source="task",
        )
        for _ in range(count)
    ]


def write_mixture(folder: Path, shape: Shape) -> None:
    """Write a mixture artifact of as many rows, of about as many tokens."""
    draw = random.Random(0)
    half = shape.tokens // 2
    rows = [
        {
            "id": str(number),
            "messages": [{"role": "user", "content": "".join(draw.choices("ABCDEFGH", k=half))}],
            "response": "".join(draw.choices("STUVWXYZ", k=half)),
            "source": "task",
        }
        for number in range(shape.rows)
    ]
    folder.mkdir()
    write_parquet(folder / "rows.parquet", pa.Table.from_pylist(rows))
