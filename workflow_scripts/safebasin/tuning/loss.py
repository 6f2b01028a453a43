"""The cross-entropy of answers, over rows that are packed into one sequence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from safebasin.errors import StudyError
from safebasin.models.device import is_spread, to_device
from safebasin.models.packed_attention import rows_apart
from safebasin.models.packing import in_packs, pack_rows
from safebasin.tuning.batches import TrainingRow

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_LONGEST_PACK = 1024
"""Tokens in one sequence: attention grows with its square, and 1024 keep a large GPU busy."""


def answer_loss(
    model: Any,
    rows: Sequence[TrainingRow],
    *,
    tokens: int,
    device: torch.device,
    padded_to: int = 0,
) -> Tensor:
    """Return the summed cross-entropy of the rows' answers, divided by ``tokens``.

    Args:
        model: A causal language model.
        rows: One micro-batch.
        tokens: Answer tokens of the whole batch, so that micro-batches add up to its mean.
        device: Where the model is.
        padded_to: Tokens that a shorter row is filled up to, behind its answer, where nothing that
            bears loss sees them.
    """
    sizes = [max(len(row.tokens.prompt) + len(row.tokens.answer), padded_to) for row in rows]
    losses = [
        _pack_loss(model, rows[pack], device, padded_to) for pack in in_packs(sizes, _LONGEST_PACK)
    ]
    total: Tensor = sum(losses[1:], start=losses[0])
    return total / tokens


def check_window(config: Any, rows: Sequence[TrainingRow]) -> None:
    """Refuse rows that a model would see through a sliding window, which packing does not cut.

    Raises:
        StudyError: a row is longer than the window.
    """
    from transformers import DynamicCache

    # A cache knows the windows of all layers, whatever the config calls them.
    layers = DynamicCache(config=config).layers
    windows = [layer.sliding_window for layer in layers if hasattr(layer, "sliding_window")]
    if not windows:
        return
    window = min(windows)
    longest = max((len(row.tokens.prompt) + len(row.tokens.answer) for row in rows), default=0)
    if longest > window:
        raise StudyError(
            f"a training row has {longest} tokens and the model attends over {window} (its sliding "
            "window): set training.max_length to that or less"
        )


def _pack_loss(
    model: Any, rows: Sequence[TrainingRow], device: torch.device, padded_to: int
) -> Tensor:
    """Return the summed cross-entropy of one pack; logits are made for its answers alone."""
    import torch

    # The last token of a row predicts nothing and is not fed.
    texts = [_filled((*row.tokens.prompt, *row.tokens.answer[:-1]), padded_to - 1) for row in rows]
    pack = pack_rows(texts, device, next(model.parameters()).dtype)
    wanted = [token for row in rows for token in row.tokens.answer]
    predicting = [
        pack.column(index, len(row.tokens.prompt) - 1 + place)
        for index, row in enumerate(rows)
        for place in range(len(row.tokens.answer))
    ]
    columns = to_device(torch.tensor(predicting), device)
    with rows_apart(pack):
        logits = model(
            input_ids=pack.tokens,
            attention_mask=pack.mask,
            position_ids=pack.positions,
            use_cache=False,
            # A spread model has its last states on another GPU than indices would be.
            logits_to_keep=0 if is_spread(device) else columns,
        ).logits[0]  # (answer tokens, vocabulary); of all tokens where the model is spread
    if is_spread(device):
        logits = logits[columns.to(logits.device)]
    return torch.nn.functional.cross_entropy(
        logits.float(), to_device(torch.tensor(wanted), logits.device), reduction="sum"
    )


def _filled(text: tuple[int, ...], size: int) -> tuple[int, ...]:
    """Return the text, filled up to ``size`` tokens with its last one, which any other would do."""
    return text + text[-1:] * (size - len(text))
