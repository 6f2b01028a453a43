"""Part 3: text and hidden states in bf16 against the same weights in fp32."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import asdict
from typing import TypeAlias

import torch
from random_llama import build_llama
from safebasin.models.load import LoadedModel

from card.against_fp32 import compare_generation, compare_states, make_attention_matter
from card.bench import Bench
from card.figures import Note

Case: TypeAlias = tuple[str, LoadedModel, tuple[int, ...], list[tuple[int, ...]]]


def measure(bench: Bench, note: Note) -> None:
    """Compare models of 32, 8 and 4 heads of keys; a difference that rounding does not make fails.

    Last, for the record alone, the same with cuDNN's attention.
    """
    given = {"new_tokens": 2 * bench.shape.new_tokens}
    wrong = []
    for name, loaded, head, prompts in _cases(bench):
        found = compare_generation(loaded, prompts, head=head, **given)
        states = compare_states(loaded, prompts, [0, bench.shape.upper])
        note(name, asdict(found) | {"states": states})
        wrong += [name] * (not found.is_right or states > 1)
    note("wrong", wrong)
    torch.backends.cuda.enable_cudnn_sdp(True)
    for name, loaded, head, prompts in _cases(bench):
        found = compare_generation(loaded, prompts, head=head, **given)
        note(f"{name}, with cuDNN", asdict(found))
    if wrong:
        raise SystemExit(f"more than rounding does: {', '.join(wrong)}")


def _cases(bench: Bench) -> Iterator[Case]:
    """Yield name, model, head, and prompts of many lengths that begin with the head."""
    draw = random.Random(0)
    lengths = [1 + number * bench.shape.prompt // 8 for number in range(16)]
    for kv_heads in (32, 8, 4):
        loaded = build_llama(
            bench.shape, bench.device, "bfloat16", layers=bench.shape.upper, kv_heads=kv_heads
        )
        make_attention_matter(loaded.model, seed=kv_heads)
        for size in (0, 7):
            head = tuple(draw.choices(range(3, 300), k=size))
            prompts = [(*head, *draw.choices(range(3, 300), k=each)) for each in lengths]
            yield f"{kv_heads} heads of keys, head of {size} tokens", loaded, head, prompts
        del loaded
        bench.forget()
