"""Seconds of a training step: rows packed into one sequence against one padded batch.

    python benchmarks/training.py

Model and rows are the default study's (`make study`), so that the rows have the lengths of real
ones; --checkpoint FOLDER and --mixture FOLDER name others. Times are processor seconds of one
thread; the losses must agree.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from default_study import ALIGNED, MIXTURE, artifact
from machine import write_result
from safebasin.models.chat import ChatFormat
from safebasin.models.load import load_model
from safebasin.models.padding import pad_left
from safebasin.tuning.adapter import add_adapter
from safebasin.tuning.batches import RowStreams, TrainingRow, read_mixture, tokenise
from safebasin.tuning.loss import answer_loss
from safebasin.tuning.training import Lora

if TYPE_CHECKING:
    import torch
    from torch import Tensor

STEPS = 6
LORA = Lora(rank=8, alpha=16, targets=["q_proj", "k_proj", "v_proj", "o_proj"])


def padded_loss(
    model: Any, rows: Sequence[TrainingRow], *, tokens: int, device: torch.device
) -> Tensor:
    """Return the loss of one padded batch with logits for every token, as is usual."""
    import torch

    texts = [(*row.tokens.prompt, *row.tokens.answer) for row in rows]
    batch = pad_left(texts, 0, 0, device)
    wanted = torch.full_like(batch.tokens, -100)
    for index, row in enumerate(rows):
        wanted[index, -len(row.tokens.answer) :] = torch.tensor(row.tokens.answer, device=device)
    logits = model(
        input_ids=batch.tokens, attention_mask=batch.mask, position_ids=batch.positions
    ).logits
    return (
        torch.nn.functional.cross_entropy(
            logits[:, :-1].float().flatten(0, 1), wanted[:, 1:].flatten(), reduction="sum"
        )
        / tokens
    )


def measure(
    loss_of: Callable[..., Tensor], model: Any, rows: list[TrainingRow], device: torch.device
) -> dict[str, float]:
    """Return processor seconds of one forward and backward pass, and the mean loss."""
    streams, losses = RowStreams(rows, seed=0), []
    loss_of(model, streams.take(8), tokens=1, device=device).backward()
    began = time.process_time()
    for _ in range(STEPS):
        batch = streams.take(8)
        tokens = sum(len(row.tokens.answer) for row in batch)
        loss = loss_of(model, batch, tokens=tokens, device=device)
        loss.backward()
        losses.append(float(loss.detach()))
    seconds = (time.process_time() - began) / STEPS
    return {"cpu_seconds_a_step": round(seconds, 2), "loss": round(sum(losses) / STEPS, 5)}


def main() -> None:
    """Measure both and write ``results/training.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--mixture", type=Path)
    given = parser.parse_args()
    checkpoint = artifact(ALIGNED, given.checkpoint)
    mixture = artifact(MIXTURE, given.mixture)
    import torch

    device = torch.device("cpu")
    loaded = load_model(checkpoint, device=device, precision="float32")
    chat = ChatFormat(loaded.tokenizer)
    rows, _ = tokenise(read_mixture(mixture), chat, max_length=256)
    model, _ = add_adapter(loaded.model, LORA)
    model.train()
    sizes = [len(row.tokens.prompt) + len(row.tokens.answer) for row in rows]
    write_result(
        "training",
        {
            "rows": len(rows),
            "tokens_a_row_mean": round(sum(sizes) / len(sizes), 1),
            "tokens_a_row_most": max(sizes),
            "padded": measure(padded_loss, model, rows, device),
            "packed": measure(answer_loss, model, rows, device),
        },
    )


if __name__ == "__main__":
    main()
