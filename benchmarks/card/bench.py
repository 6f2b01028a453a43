"""What every part is given: shape, device, a folder; and how it takes time and memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from machine import forget_peak, peak_mebibytes

if TYPE_CHECKING:
    import torch
    from random_llama import Shape

Item = TypeVar("Item")
GIB = 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What is measured, and where."""

    name: str
    shape: Shape
    device: torch.device
    scratch: Path
    """A folder on the disk that is meant."""

    @classmethod
    def of(cls, name: str, scratch: Path) -> Bench:
        """Return the bench of that shape, on the first GPU where there is one."""
        import torch
        from random_llama import SHAPES
        from safebasin.models.device import prefer_repeatable_kernels

        prefer_repeatable_kernels()
        device = torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")
        return cls(name=name, shape=SHAPES[name], device=device, scratch=scratch)

    def finish(self) -> None:
        """Wait until the device has done all that it was told."""
        import torch

        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def seconds(self, call: Callable[[], object]) -> float:
        """Return how long the call takes, the device's work included."""
        self.finish()
        began = time.perf_counter()
        call()
        self.finish()
        return time.perf_counter() - began

    def held(self) -> float:
        """Return the device's memory in use, in GiB; on a CPU that of the process."""
        import torch

        if self.device.type == "cuda":
            return torch.cuda.memory_allocated() / GIB
        return peak_mebibytes() / 2**10

    def start_peak(self) -> None:
        """Let the peak of memory begin anew."""
        import torch

        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats()
        else:
            forget_peak()

    def peak(self) -> float:
        """Return the peak of memory since, in GiB."""
        import torch

        if self.device.type == "cuda":
            return torch.cuda.max_memory_allocated() / GIB
        return peak_mebibytes() / 2**10

    def forget(self) -> None:
        """Give back what nothing holds any more."""
        import gc

        import torch

        gc.collect()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()


class Clock:
    """Takes the time of each training step, once the device has done it."""

    def __init__(self, bench: Bench) -> None:
        """Measure on the bench's device."""
        self._bench = bench
        self.seconds: list[float] = []

    def over(self, items: Iterable[Item], label: str, total: int | None = None) -> Iterator[Item]:
        """Yield the steps and time each."""
        del label, total
        for item in items:
            self._bench.finish()
            began = time.perf_counter()
            yield item
            self._bench.finish()
            self.seconds.append(time.perf_counter() - began)

    def note(self, message: str) -> None:
        """Drop the message."""
