"""What is done here with a model, tried on a small one against the plain library.

Rows are packed into one sequence, and batches are padded on the left, share the states of their
common head and go on from a cache. A decoder gives the same numbers either way. One that keeps a
running state, counts distances by columns or reads a mask in its own way does not, whatever it is
called: its losses and answers would be wrong without a word.

The trial stands by itself, so that no edit to how rows are packed or decoded is one to what a
checkpoint is converted by.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from safebasin.models.shrunken import VOCABULARY, WINDOW

if TYPE_CHECKING:
    from torch import Tensor

_HEAD = 3
"""Tokens that all rows begin with."""
_FILLER = 1
_NEW_TOKENS = 4
_GAIN = 1.5
"""Weights are drawn so that states keep their size, and attention looks at some tokens more."""
_TOLERANCE = 5e-5
"""Of the largest logit. Of 150 makes of model those that are computed rightly are within 1e-5, and
the others 2e-4 or more away."""


def fault_of(model: Any) -> str | None:
    """Return what goes wrong with a small random model, in words, or None.

    Args:
        model: On the CPU, in fp32 and evaluation mode, of ``shrunken.VOCABULARY`` tokens. Its
            weights are drawn anew.

    Raises:
        Exception: whatever the model raises where it reads one plain row.
    """
    import torch

    draw = torch.Generator().manual_seed(0)
    with torch.inference_mode():
        for weight in model.parameters():
            if weight.ndim > 1:
                weight.normal_(0, _GAIN / weight.shape[-1] ** 0.5, generator=draw)
        # No row is longer than a window: training refuses those, which packing does not cut.
        rows = _rows(draw, (2, 7, 4, WINDOW - _HEAD))
        longer = _rows(draw, (2 * WINDOW, 2, 9, 17))
        if not all(bool(_plain(model, row).isfinite().all()) for row in rows):
            raise ValueError("its logits are not finite")
        return _packed(model, rows) or _continued(model, longer)


def _packed(model: Any, rows: Sequence[Sequence[int]]) -> str | None:
    """Try rows in one sequence behind their common head, kept apart by mask and places."""
    import torch

    sizes = [len(row) - _HEAD for row in rows]
    ends = torch.tensor([_HEAD, *sizes]).cumsum(0).tolist()
    own = [slice(end - size, end) for size, end in zip(sizes, ends[1:], strict=True)]
    sees = torch.zeros(ends[-1], ends[-1], dtype=torch.bool)
    sees[:, :_HEAD] = True
    for part in own:
        sees[part, part] = True
    mask = torch.zeros(sees.shape).masked_fill(~sees.tril(), float("-inf"))
    places = [*range(_HEAD), *(place for row in rows for place in range(_HEAD, len(row)))]
    tokens = [*rows[0][:_HEAD], *(token for row in rows for token in row[_HEAD:])]
    try:
        logits = model(
            input_ids=torch.tensor([tokens]),
            attention_mask=mask[None, None],
            position_ids=torch.tensor([places]),
            use_cache=False,
            logits_to_keep=torch.arange(len(tokens)),
        ).logits[0]
    except Exception as error:  # of whatever kind: the model takes no such input
        return f"it does not take rows packed into one sequence ({_first_line(error)})"
    return _told(
        [(logits[part], _plain(model, row)[_HEAD:]) for part, row in zip(own, rows, strict=True)],
        "rows packed into one sequence, as training lays them",
    )


def _continued(model: Any, prompts: Sequence[Sequence[int]]) -> str | None:
    """Try a batch of unlike lengths, some longer than a window, token by token from a cache."""
    import torch
    from transformers import DynamicCache

    more = _rows(torch.Generator().manual_seed(1), [_NEW_TOKENS] * len(prompts), head=0)
    texts = [[*prompt, *said] for prompt, said in zip(prompts, more, strict=True)]
    width = max(map(len, prompts))
    gaps = [width - len(prompt) for prompt in prompts]
    pairs = []
    try:
        cache = DynamicCache(config=model.config)
        head = 0 if any(cache.is_sliding) else _HEAD
        if head:
            model(
                input_ids=torch.tensor([prompts[0][:head]]), past_key_values=cache, use_cache=True
            )
            cache.batch_repeat_interleave(len(prompts))
        begin, end = head, width
        for _ in range(_NEW_TOKENS):
            tokens, mask, places = _columns(texts, gaps, head, begin, end)
            logits = model(
                input_ids=tokens,
                attention_mask=mask,
                position_ids=places,
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=torch.arange(end - begin - 1, end - begin),
            ).logits[:, -1]
            pairs += [
                (logits[row], _plain(model, text[: end - gap])[-1])
                for row, (text, gap) in enumerate(zip(texts, gaps, strict=True))
            ]
            begin, end = end, end + 1
    except Exception as error:  # of whatever kind: the model takes no such cache
        return f"it does not go on from a cache of keys and values ({_first_line(error)})"
    return _told(pairs, "padded prompts that go on from a cache")


def _columns(
    texts: Sequence[Sequence[int]], gaps: Sequence[int], head: int, begin: int, end: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Return tokens, mask and places of some columns; padding stands behind the head."""
    import torch

    rows = [
        [*text[:head], *[_FILLER] * gap, *text[head:]]
        for text, gap in zip(texts, gaps, strict=True)
    ]
    mask = torch.ones(len(rows), end, dtype=torch.long)
    for row, gap in enumerate(gaps):
        mask[row, head : head + gap] = 0
    places = (mask.cumsum(dim=1) - 1).clamp(min=0)[:, begin:]
    return torch.tensor([row[begin:end] for row in rows]), mask, places


def _told(pairs: Sequence[tuple[Tensor, Tensor]], what: str) -> str | None:
    """Return a sentence where logits are not those of each row alone."""
    worst = max(float((got - alone).abs().max() / alone.abs().max()) for got, alone in pairs)
    if worst <= _TOLERANCE:  # not so where it is no number
        return None
    return (
        f"{what} do not give what each gives alone (logits are off by {worst:.1e} of the largest): "
        "something of one reaches another, or distances are counted by columns"
    )


def _plain(model: Any, row: Sequence[int]) -> Tensor:
    import torch

    logits: Tensor = model(input_ids=torch.tensor([list(row)]), use_cache=False).logits[0]
    return logits.float()


def _rows(draw: Any, sizes: Sequence[int], head: int = _HEAD) -> list[list[int]]:
    """Return rows of so many tokens behind a head that they share."""
    import torch

    def tokens(count: int) -> list[int]:
        drawn: list[int] = torch.randint(7, VOCABULARY, (count,), generator=draw).tolist()
        return drawn

    shared = tokens(head)
    return [[*shared, *tokens(size)] for size in sizes]


def _first_line(error: Exception) -> str:
    text = str(error).strip().split("\n")[0]
    return f"{type(error).__name__}: {text[:120]}" if text else type(error).__name__
