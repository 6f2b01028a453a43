"""Part 4: what a new token costs, and how much of that the GPU works."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from peft import PeftModel
from random_llama import build_llama, random_prompts
from safebasin.models.decode import GreedyDecoder
from safebasin.models.device import seeded
from safebasin.models.load import LoadedModel
from safebasin.tuning.adapter import add_adapter
from safebasin.tuning.training import Lora
from torch.profiler import ProfilerActivity, profile

from card.bench import Bench
from card.figures import Note

LORA = Lora(rank=8, alpha=16, targets=["q_proj", "v_proj"])
WATCHED = 8
"""Tokens under the profiler, which slows them."""
WAITS = ("cudaStreamSynchronize", "cudaDeviceSynchronize", "cudaEventSynchronize")


def measure(bench: Bench, note: Note) -> None:
    """Note each batch size, without and with an adapter; last, with cuDNN's attention."""
    loaded = build_llama(bench.shape, bench.device, "bfloat16")
    _sizes(bench, note, loaded, "no adapter")
    adapted = _with_adapter(loaded)
    _sizes(bench, note, adapted, "adapter")
    torch.backends.cuda.enable_cudnn_sdp(True)
    prompts = random_prompts(bench.shape, min(bench.shape.batches))
    note("with cuDNN", _cost(bench, adapted, prompts, new_tokens=bench.shape.new_tokens // 4))


def _sizes(bench: Bench, note: Note, loaded: LoadedModel, name: str) -> None:
    for size in bench.shape.batches:
        prompts = random_prompts(bench.shape, size)
        bench.start_peak()
        cost = _cost(bench, loaded, prompts, new_tokens=bench.shape.new_tokens)
        note(f"{name}, {size} prompts", cost | _watched(bench, loaded, prompts))


def _with_adapter(loaded: LoadedModel) -> LoadedModel:
    """Return the model with a trained adapter beside its weights, as bf16 runs it."""
    with seeded(1):
        model, pairs = add_adapter(loaded.model, LORA)
        with torch.no_grad():
            for pair in pairs:
                pair.b.normal_(0.0, 1e-3)
    assert isinstance(model, PeftModel)
    model = model.eval().requires_grad_(False)
    return LoadedModel(model=model, tokenizer=loaded.tokenizer, device=loaded.device)


def _cost(
    bench: Bench, loaded: LoadedModel, prompts: Sequence[Sequence[int]], new_tokens: int
) -> dict[str, float]:
    """Return the time of reading the prompts, and that of a token of all of them."""
    decoder = GreedyDecoder(loaded, (), frozenset())
    decoder.decode(prompts, 2)
    reading = bench.seconds(lambda: decoder.decode(prompts, 1))
    whole = bench.seconds(lambda: decoder.decode(prompts, new_tokens + 1))
    each = (whole - reading) / new_tokens
    return {
        "reading_seconds": reading,
        "ms_a_token": 1000 * each,
        "tokens_per_second": len(prompts) / each,
        "peak_gib": bench.peak(),
    }


def _watched(
    bench: Bench, loaded: LoadedModel, prompts: Sequence[Sequence[int]]
) -> dict[str, float]:
    """Return waits a token, and the share of the time in which the GPU did something."""
    decoder = GreedyDecoder(loaded, (), frozenset())
    read = decoder.read(prompts)
    tail = (5,)
    activities = [ProfilerActivity.CPU]
    if bench.device.type == "cuda":
        activities.append(ProfilerActivity.CUDA)
    with profile(activities=activities) as seen:
        seconds = bench.seconds(lambda: decoder.decode_after(read, tail, WATCHED))
    events = seen.events() or []
    on_gpu = [
        (event.time_range.start, event.time_range.end)
        for event in events
        if event.device_type == torch.autograd.DeviceType.CUDA
    ]
    return {
        "waits_a_token": sum(event.name in WAITS for event in events) / WATCHED,
        "busy_share": _covered(on_gpu) / 1e6 / seconds,
        "kernels_a_token": len(on_gpu) / WATCHED,
        "profiled_ms_a_token": 1000 * seconds / WATCHED,
    }


def _covered(ranges: Iterable[tuple[float, float]]) -> float:
    """Return the length that the ranges cover together."""
    total, reached = 0.0, float("-inf")
    for start, end in sorted(ranges):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total
