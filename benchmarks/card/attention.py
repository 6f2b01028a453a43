"""Which of PyTorch's kernels computes attention."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.profiler import ProfilerActivity, profile

CUDNN = "cudnn"


def attention_of(call: Callable[[], object]) -> list[str]:
    """Return what computed attention during the call, each once: operators, and cuDNN's kernels."""
    activities = [ProfilerActivity.CPU]
    if torch.cuda.is_available():
        activities.append(ProfilerActivity.CUDA)
    with profile(activities=activities) as seen:
        call()
    names = {event.key for event in seen.key_averages()}
    operators = {name for name in names if name.startswith("aten::_scaled_dot_product_")}
    return sorted(operators | {name for name in names if CUDNN in name and "sdpa" in name})
