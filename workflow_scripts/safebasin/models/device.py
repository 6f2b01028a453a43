"""Which device a step runs on, how tensors get there, and how it is made to repeat itself."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from safebasin.errors import MachineLacks, RequestError
from safebasin.progress import SILENT, Progress

if TYPE_CHECKING:
    import torch
    from torch import Tensor

ALL_GPUS = "cuda:all"


def choose_device(wanted: str, progress: Progress = SILENT) -> torch.device:
    """Return the device that ``wanted`` names: ``auto``, ``cpu``, ``cuda``, ``cuda:N``.

    ``auto`` takes CUDA where there is one, and says once where there is none. ``cuda:all`` means
    all visible GPUs: a device without an index, over which a model is spread (see ``is_spread``).

    Raises:
        MachineLacks: CUDA was asked for and this process sees none.
        RequestError: ``wanted`` names no device.
    """
    import torch

    name, _, index = wanted.partition(":")
    spread = wanted == ALL_GPUS
    if name not in ("auto", "cpu", "cuda") or (index and not (index.isdecimal() or spread)):
        raise RequestError(f"device is {wanted!r}; auto, cpu, cuda or cuda:0 is right")
    if name == "cpu":
        return torch.device("cpu")
    if torch.cuda.is_available():
        if spread:
            return torch.device("cuda")
        if int(index or 0) >= torch.cuda.device_count():
            raise MachineLacks(
                f"device {wanted} was asked for and {torch.cuda.device_count()} CUDA device(s) "
                "are visible; CUDA_VISIBLE_DEVICES names them"
            )
        return torch.device("cuda", int(index or 0))
    if name == "cuda":
        raise MachineLacks(
            f"device {wanted} was asked for and PyTorch {torch.__version__} sees no CUDA device "
            f"(CUDA_VISIBLE_DEVICES={os.environ.get('CUDA_VISIBLE_DEVICES', 'unset')!r}): "
            "install the CUDA lock of envs/, ask the scheduler for a GPU, or set device: cpu"
        )
    progress.note("no CUDA device is visible: running on the CPU")
    return torch.device("cpu")


def is_spread(device: torch.device) -> bool:
    """Say whether a model there has some layers on each visible GPU; its inputs go to the first."""
    return device.type == "cuda" and device.index is None


def to_device(tensor: Tensor, device: torch.device) -> Tensor:
    """Return the tensor on the device; to CUDA it goes from pinned memory, and nobody waits."""
    if device.type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)


def prefer_repeatable_kernels() -> None:
    """Choose kernels whose sums come out the same each time, and are right, on CPU and CUDA.

    cuDNN's attention is out: PyTorch's first choice on Hopper and Blackwell, it has given wrong
    text where few heads have keys and values, and plans anew for every length of the keys, so at
    every token. Not chosen, it leaves what computes attention elsewhere.

    Operations without such a kernel warn instead of failing. The number of threads changes sums
    too; it is left to the environment (``OMP_NUM_THREADS``) and recorded in ``run.json``.

    Source: github.com/pytorch/pytorch/issues/193893.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    import torch

    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = False
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.enable_cudnn_sdp(False)


def forbid_unrepeatable_kernels() -> None:
    """Let an operation without a repeatable kernel fail from now on.

    Training on CUDA needs it: where such an operation would only warn, PyTorch takes attention
    kernels whose gradients differ from run to run, although it has others.

    Source: github.com/pytorch/pytorch/pull/101847.
    """
    import torch

    torch.use_deterministic_algorithms(True)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed the global generators that libraries draw from, and put their state back after.

    PEFT draws a new adapter, and PyTorch its dropout masks, from the global generators; there is
    no argument to pass one in.
    """
    import numpy as np
    import torch

    kept_python, kept_numpy = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        random.seed(seed)
        np.random.seed(seed % 2**32)
        torch.manual_seed(seed)
        try:
            yield
        finally:
            random.setstate(kept_python)
            np.random.set_state(kept_numpy)
