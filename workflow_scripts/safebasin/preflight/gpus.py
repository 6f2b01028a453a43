"""The GPUs that a study is to run on: those seen here, or as somebody states them."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from safebasin.machine import GIGABYTE, GPU_GB
from safebasin.sizing import GPUS_OF_A_MACHINE


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpus:
    """What a job may be granted."""

    bytes_each: float = GPU_GB * GIGABYTE
    """Memory of one."""
    count: int = GPUS_OF_A_MACHINE
    """How many one machine has."""
    stated: bool = True
    """Whether the memory is a stated figure: where jobs will run, nobody has looked."""

    @property
    def size(self) -> str:
        """Memory of one, as people write it."""
        return f"{self.bytes_each / GIGABYTE:.3g} GB"

    def __str__(self) -> str:
        """Say what the study's jobs are compared with."""
        if self.stated:
            return f"each of {self.size}, the stated figure (--gpu-gb)"
        return f"{self.count} of {self.size}, as seen here"


def gpus_here() -> Gpus | None:
    """Return the GPUs that are visible, each as small as the smallest, or None without any."""
    if shutil.which("nvidia-smi") is None and not Path("/dev/nvidiactl").exists():
        return None
    import torch

    if not torch.cuda.is_available():
        return None
    count = torch.cuda.device_count()
    smallest = min(int(torch.cuda.mem_get_info(index)[1]) for index in range(count))
    return Gpus(bytes_each=smallest, count=count, stated=False)
