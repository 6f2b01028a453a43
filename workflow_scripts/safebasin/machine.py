"""What a profile says of the machine: its ``config:``, or ``--config`` on the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safebasin.errors import StudyError

DEVICES = ("auto", "cpu", "cuda")
SETTINGS = ("store", "device", "gpu_gb")
GPU_GB = 80.0
"""Memory of a GPU where nobody says another: that of those which papers at 7B and 8B use."""
GIGABYTE = 10**9
"""Less than the GiB that makers mean; the rest is what CUDA itself takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Where and on what a study runs; no part of any spec."""

    store: Path | None = None
    """The store, where it is not ``$SAFEBASIN_STORE`` or ``store``."""
    device: str = DEVICES[0]
    """Where models run: ``auto``, ``cpu`` or ``cuda``, as an argument of a step."""
    gpu_gb: float = GPU_GB
    """Memory of one GPU; models that need more are spread over several."""

    @property
    def gpu_bytes(self) -> float:
        """Memory of one GPU in bytes."""
        return self.gpu_gb * GIGABYTE


def machine_of(settings: Mapping[str, Any]) -> Machine:
    """Return what the settings say.

    Raises:
        StudyError: there is no such setting, or its value is none that it can have.
    """
    unknown = sorted(set(settings) - set(SETTINGS))
    if unknown:
        raise StudyError(
            f"--config {unknown[0]}=…: only {', '.join(SETTINGS)} are set there; lay a YAML file "
            "over the study with --configfile config.yaml my.yaml"
        )
    device = str(settings.get("device", DEVICES[0]))
    if device not in DEVICES:
        raise StudyError(f"--config device={device}: {', '.join(DEVICES)} are right")
    store = settings.get("store")
    return Machine(
        store=Path(str(store)) if store else None,
        device=device,
        gpu_gb=gigabytes(settings.get("gpu_gb", GPU_GB), "--config gpu_gb"),
    )


def gigabytes(value: object, where: str) -> float:
    """Return the memory of a GPU in GB.

    Raises:
        StudyError: it is no number above 0; the message begins with ``where``.
    """
    try:
        number = float(str(value))
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise StudyError(f"{where}={value}: the memory of one GPU in GB, such as 80, is right")
    return number
