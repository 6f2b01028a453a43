"""What a profile says of the machine: its ``config:``, or ``--config`` on the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safebasin.errors import StudyError
from safebasin.study.base import is_path
from safebasin.study.problems import shown

DEVICES = ("auto", "cpu", "cuda")
SETTINGS = ("store", "device", "gpu_gb")
GPU_GB = 80.0
"""Memory of a GPU where nobody says another: that of those which papers at 7B and 8B use."""
_MOST_GB = 10_000
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
    unknown = [key for key in settings if key not in SETTINGS]
    if unknown:
        raise StudyError(
            f"--config {_said(unknown[0])}=…: only {', '.join(SETTINGS)} are set there; "
            "lay a YAML file over the study with --configfile config.yaml my.yaml"
        )
    device = settings.get("device", DEVICES[0])
    if device not in DEVICES:
        raise StudyError(f"--config device={_said(device)}: {', '.join(DEVICES)} are right")
    return Machine(
        store=_folder(settings["store"]) if "store" in settings else None,
        device=device,
        gpu_gb=gigabytes(settings.get("gpu_gb", GPU_GB), "--config gpu_gb"),
    )


def _said(value: object) -> str:
    """Return a value as it stands on a command line."""
    return shown(value)[1:-1] if isinstance(value, str) else shown(value)


def _folder(value: object) -> Path:
    """Return the path of a store; ``010`` would come here as the number 10."""
    try:
        if isinstance(value, str):
            return Path(is_path(value))
        cure = "the path of a folder is right; one that is named like a number is written ./10"
    except ValueError as problem:
        cure = f"the path of a folder is right: {problem}"
    raise StudyError(f"--config store={_said(value)}: {cure}")


def gigabytes(value: object, where: str) -> float:
    """Return the memory of a GPU in GB.

    Raises:
        StudyError: it is no number above 0; the message begins with ``where``.
    """
    try:
        number = 0.0 if isinstance(value, bool) else float(value)  # type: ignore[arg-type]
    except (OverflowError, TypeError, ValueError):
        number = 0.0
    if not 0.001 <= number <= _MOST_GB:
        raise StudyError(
            f"{where}={_said(value)}: the memory of one GPU in GB, such as 80, is right"
        )
    return number
