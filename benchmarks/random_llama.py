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
    tokens: int
    """Tokens of a row, half of them the answer."""
    rows: int
    """Of a whole adapter's mixture, seen once, 8 a step."""
    batches: tuple[int, ...]
    """Prompts at once."""
    new_tokens: int


SHAPES = {
    "llama2-7b": Shape(
        hidden=4096, intermediate=11008, layers=32, heads=32, vocabulary=32000, tokens=512,
        rows=304, batches=(1, 16, 64), new_tokens=64,
    ),
    "tiny": Shape(
        hidden=64, intermediate=128, layers=2, heads=4, vocabulary=320, tokens=32,
        rows=16, batches=(1, 4), new_tokens=4,
    ),
}  # fmt: skip


def write_pair(root: Path, shape: Shape, targets: Sequence[str], device: torch.device) -> None:
    """Write ``base`` and ``aligned``: bf16, random, apart by noise in the targets."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        intermediate_size=shape.intermediate,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        eos_token_id=1,
        pad_token_id=2,
        bos_token_id=0,
    )
    tokenizer = train_tokenizer(320)
    torch.set_default_dtype(torch.bfloat16)
    try:
        with seeded(0), device:
            model = LlamaForCausalLM(config)
            write_checkpoint(root / "base", model, tokenizer)
            with torch.no_grad():
                for name, weight in model.named_parameters():
                    if any(target in name for target in targets):
                        weight += 7e-4 * torch.randn_like(weight)
            write_checkpoint(root / "aligned", model, tokenizer)
    finally:
        torch.set_default_dtype(torch.float32)


def random_rows(shape: Shape, count: int) -> list[TrainingRow]:
    """Return rows of random tokens, all of full length and with nothing in common."""
    draw = random.Random(0)
    half = shape.tokens // 2
    return [
        TrainingRow(
            tokens=TokenisedRow(
                prompt=tuple(draw.choices(range(3, 300), k=half)),
                answer=tuple(draw.choices(range(3, 300), k=shape.tokens - half)),
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
