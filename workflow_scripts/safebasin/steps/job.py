"""What a step is given: its spec, its inputs by role, and a folder to fill."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from pydantic import ConfigDict, TypeAdapter, with_config

from safebasin.progress import SILENT, Progress
from safebasin.resume.place import state_of

Params = TypeVar("Params")

_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, kw_only=True)
class Job:
    """One run of one step.

    ``folder`` is empty at the start; only files that the kind declares may be there at the end.
    ``state`` survives a kill: what lies there was left by an earlier try of the same digest.
    """

    digest: str
    raw_params: Mapping[str, object]
    inputs: Mapping[str, Path]
    """Role to the folder of the artifact; a role that may occur often reads ``role.name``."""
    folder: Path
    device: str = "auto"
    origin: Mapping[str, str] = field(default_factory=dict)
    """Where a source is to be had; it is no part of the spec."""
    wanted: Sequence[Mapping[str, object]] = ()
    """What the study will take of the rows that are made; it is no part of the spec."""
    progress: Progress = SILENT

    def params(self, shape: type[Params]) -> Params:
        """Return the spec's params as ``shape``, a dataclass; an unknown or missing one raises."""
        return _read(shape, self.raw_params)

    def wanted_as(self, shape: type[Params]) -> list[Params]:
        """Return what will be taken as ``shape``, a dataclass."""
        return [_read(shape, one) for one in self.wanted]

    @property
    def state(self) -> Path:
        """The folder for what lets a killed job go on; whoever publishes deletes it."""
        return state_of(self.folder)

    def input(self, role: str) -> Path:
        """Return the folder of the artifact that plays ``role``."""
        return self.inputs[role]

    def optional(self, role: str) -> Path | None:
        """Return the folder of the artifact that plays ``role``, or None where there is none."""
        return self.inputs.get(role)

    def named(self, role: str) -> dict[str, Path]:
        """Return name to folder of all inputs ``role.name``."""
        prefix = f"{role}."
        return {
            key.removeprefix(prefix): path
            for key, path in self.inputs.items()
            if key.startswith(prefix)
        }


def _read(shape: type[Params], told: Mapping[str, object]) -> Params:
    return TypeAdapter(with_config(_STRICT)(shape)).validate_python(dict(told))
