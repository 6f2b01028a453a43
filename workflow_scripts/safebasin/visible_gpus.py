"""Which GPUs this process may use, asked of the driver's own tool and not of torch.

What CUDA shows a process is settled when torch is imported, so it has to be known before.
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass

_GPU = re.compile(r"GPU (?P<index>\d+): .*\(UUID: (?P<uuid>GPU-[^)]+)\)")
_INSTANCE = re.compile(r"\s+MIG .*\(UUID: (?P<uuid>MIG-[^)]+)\)")
_NAME = re.compile(r"\d+|(GPU|MIG)-.+")
_PATIENCE = 60.0
"""Seconds for the list; a driver without persistence takes some to wake up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """A GPU of this machine."""

    index: int
    """Its place on the PCI bus, as ``nvidia-smi`` counts."""
    uuid: str
    instances: tuple[str, ...] = ()
    """UUIDs of its MIG instances, where it is split into some."""

    @property
    def devices(self) -> tuple[str, ...]:
        """UUIDs of what a process can be given: the instances, or the whole."""
        return self.instances or (self.uuid,)


def visible_gpus() -> list[str]:
    """Return the UUIDs of the GPUs and MIG instances that this process may use.

    ``CUDA_VISIBLE_DEVICES``, which Slurm or the user may have set, is read as CUDA reads it:
    indices, UUIDs or their beginnings, up to the first that does not exist. (Indices are those of
    ``nvidia-smi``; CUDA counts so with CUDA_DEVICE_ORDER=PCI_BUS_ID.) Without ``nvidia-smi`` its
    names are taken as they are.
    """
    present = _present()
    told = os.environ.get("CUDA_VISIBLE_DEVICES")
    if told is None:
        return [device for gpu in present for device in gpu.devices]
    found: list[str] = []
    for name in told.split(","):
        devices = _named(name.strip(), present)
        if not devices:
            break
        found += devices
    return list(dict.fromkeys(found))


def parse_list(text: str) -> list[Gpu]:
    """Return the GPUs that ``nvidia-smi -L`` printed."""
    gpus: list[Gpu] = []
    for line in text.splitlines():
        if whole := _GPU.fullmatch(line.rstrip()):
            gpus.append(Gpu(index=int(whole["index"]), uuid=whole["uuid"]))
        elif gpus and (part := _INSTANCE.fullmatch(line.rstrip())):
            last = gpus.pop()
            instances = (*last.instances, part["uuid"])
            gpus.append(Gpu(index=last.index, uuid=last.uuid, instances=instances))
    return gpus


def _present() -> list[Gpu]:
    """Return the machine's GPUs; none where there is no driver to ask."""
    try:
        asked = subprocess.run(
            ["nvidia-smi", "-L"], capture_output=True, text=True, timeout=_PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return parse_list(asked.stdout)


def _named(name: str, present: list[Gpu]) -> tuple[str, ...]:
    """Return the devices that one name of ``CUDA_VISIBLE_DEVICES`` means."""
    if not _NAME.fullmatch(name):
        return ()
    if not present:
        return (name,)
    if name.isdecimal():
        return next((gpu.devices for gpu in present if gpu.index == int(name)), ())
    known = {gpu.uuid: gpu.devices for gpu in present}
    known |= {each: (each,) for gpu in present for each in gpu.instances}
    begun = [devices for uuid, devices in known.items() if uuid.startswith(name)]
    return begun[0] if len(begun) == 1 else ()
