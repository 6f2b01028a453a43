"""The state of a training run, kept so that a killed run goes on bit for bit.

Every state is a folder of its own (``safebasin.resume.kept``); nothing is pickled.
A scheduler that wants its node back sends SIGTERM first: the step at hand is finished and kept.
"""

from __future__ import annotations

import json
import re
import signal
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safebasin.progress import SILENT, Progress
from safebasin.resume.kept import Kept
from safebasin.stopped import Stopped
from safebasin.store.writers import write_json, write_safetensors

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_NAME = re.compile(r"step-\d{8}")
_TENSORS, _RECORD = "tensors.safetensors", "record.json"
_MOMENTS = ("exp_avg", "exp_avg_sq", "step")


@dataclass(slots=True, kw_only=True)
class Record:
    """What a run has done so far, in logical counts."""

    step: int = 0
    """Optimizer steps that are done."""
    taken: dict[str, int] = field(default_factory=dict)
    """Rows each stream has given; the data cursor."""
    history: list[dict[str, float]] = field(default_factory=list)
    """One mapping per step."""
    rows_seen: dict[str, int] = field(default_factory=dict)
    """Rows of each source."""
    tokens: int = 0
    """Tokens of all rows that were fed, prompts and answers."""
    answer_tokens: int = 0
    forward_passes: int = 0
    backward_passes: int = 0
    stopped: bool = False
    """Whether a rule ended the run before its last step."""


class ResumeState:
    """States of one run in one folder, the newest kept.

    While it is entered (``with``), SIGTERM ends the run after the step at hand, with its state.
    """

    def __init__(self, folder: Path, seconds: float = 30.0, progress: Progress = SILENT) -> None:
        """Keep a state when ``seconds`` have passed since the last one; 0 keeps every step."""
        self._kept = Kept(folder, progress)
        self._seconds = seconds
        self._cost = 0.0
        self._last = time.monotonic()
        self._stop = False
        self._handler: Any = None

    def __enter__(self) -> ResumeState:
        """Put a stop off until a state is kept; only the main thread can."""
        if threading.current_thread() is threading.main_thread():
            self._handler = signal.signal(signal.SIGTERM, self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        """Let SIGTERM do again what it did before."""
        if self._handler is not None:
            signal.signal(signal.SIGTERM, self._handler)

    def _ask(self, *_: object) -> None:
        self._stop = True

    def load(self, parameters: Mapping[str, Tensor], optimizer: torch.optim.Optimizer) -> Record:
        """Put the newest state into parameters, optimizer and generators; return its record.

        Where there is none that can be read, nothing is touched and the record is empty.
        """
        newest = self._newest(parameters)
        if newest is None:
            return Record()
        import torch

        record, tensors = newest
        for name, parameter in parameters.items():
            parameter.data.copy_(tensors[f"parameter/{name}"])
            moments = {
                moment: tensors[f"{moment}/{name}"]
                for moment in _MOMENTS
                if f"{moment}/{name}" in tensors
            }
            if moments:  # the step count too: a fused optimizer keeps it beside the rest
                optimizer.state[parameter] = {
                    moment: value.to(parameter.device) for moment, value in moments.items()
                }
        torch.set_rng_state(tensors["generator/cpu"])
        for device in _gpus(parameters):
            if f"generator/{device}" in tensors:
                torch.cuda.set_rng_state(tensors[f"generator/{device}"], device)
        return record

    def keep_if_due(
        self,
        record: Record,
        parameters: Mapping[str, Tensor],
        optimizer: torch.optim.Optimizer,
    ) -> None:
        """Keep the state if it is time; a costly state is kept less often (2 % of the time).

        Raises:
            Stopped: SIGTERM came since the last call; the state is kept.
        """
        due = self._last + max(self._seconds, 50 * self._cost if self._seconds else 0)
        if self._stop or time.monotonic() >= due:
            self._keep(record, parameters, optimizer)
        if self._stop:
            raise Stopped(
                f"asked to stop (SIGTERM): {record.step} steps are done and kept, and the next "
                "try goes on from there"
            )

    def _keep(
        self,
        record: Record,
        parameters: Mapping[str, Tensor],
        optimizer: torch.optim.Optimizer,
    ) -> None:
        began = time.monotonic()
        name = f"step-{record.step:08d}"

        def fill(folder: Path) -> None:
            write_safetensors(folder / _TENSORS, _tensors_of(parameters, optimizer))
            write_json(folder / _RECORD, asdict(record))

        self._kept.keep(name, fill)
        for older in self._states():
            if older != name:
                self._kept.drop(older)
        self._last = time.monotonic()
        self._cost = self._last - began

    def _states(self) -> list[str]:
        return [name for name in self._kept.names() if _NAME.fullmatch(name)]

    def _newest(self, parameters: Mapping[str, Tensor]) -> tuple[Record, dict[str, Tensor]] | None:
        """Return the newest state that can be read and is one of these parameters."""
        for name in reversed(self._states()):
            folder = self._kept.find(name)
            if folder is None:
                continue
            try:
                return _read(folder, parameters)
            except (ValueError, TypeError) as problem:
                self._kept.drop(name, str(problem))
        return None


def _read(folder: Path, parameters: Mapping[str, Tensor]) -> tuple[Record, dict[str, Tensor]]:
    """Return a state.

    Raises:
        ValueError: it is of other parameters.
        TypeError: it counts other things.
    """
    from safetensors.torch import load_file

    tensors = load_file(folder / _TENSORS)
    shapes = {f"parameter/{name}": value.shape for name, value in parameters.items()}
    if {name: tensors[name].shape for name in tensors if name in shapes} != shapes:
        raise ValueError("it is of other parameters")
    return Record(**json.loads((folder / _RECORD).read_text(encoding="utf-8"))), tensors


def _gpus(parameters: Mapping[str, Tensor]) -> set[torch.device]:
    """Return the GPUs that the parameters lie on: there dropout is drawn."""
    return {value.device for value in parameters.values() if value.device.type == "cuda"}


def _tensors_of(
    parameters: Mapping[str, Tensor], optimizer: torch.optim.Optimizer
) -> dict[str, Tensor]:
    import torch

    tensors: dict[str, Tensor] = {"generator/cpu": torch.get_rng_state()}
    for device in _gpus(parameters):
        tensors[f"generator/{device}"] = torch.cuda.get_rng_state(device)
    for name, parameter in parameters.items():
        tensors[f"parameter/{name}"] = parameter.detach()
        for moment in _MOMENTS:
            if moment in optimizer.state.get(parameter, {}):
                tensors[f"{moment}/{name}"] = optimizer.state[parameter][moment]
    return tensors
