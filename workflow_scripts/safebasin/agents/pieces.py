"""Finished pieces of a long job, kept so that a killed one goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from safebasin.progress import SILENT, Progress
from safebasin.resume.kept import Kept
from safebasin.store.canonical import Json
from safebasin.store.writers import write_json, write_safetensors

if TYPE_CHECKING:
    from torch import Tensor

_JSON, _TENSORS = "piece.json", "piece.safetensors"


class Pieces:
    """A kept folder (``safebasin.resume.kept``) for each finished piece."""

    def __init__(self, folder: Path, progress: Progress = SILENT) -> None:
        """Keep the pieces in ``folder``; the caller deletes it."""
        self._kept = Kept(folder, progress)

    def json(self, name: str, make: Callable[[], object]) -> Any:
        """Return the piece as JSON gives it back, made unless it is there."""
        folder = self._kept.find(name)
        if folder is None:
            piece = cast(Json, make())
            folder = self._kept.keep(name, lambda fresh: write_json(fresh / _JSON, piece))
        return json.loads((folder / _JSON).read_text(encoding="utf-8"))

    def tensors(self, name: str, make: Callable[[], Mapping[str, Tensor]]) -> dict[str, Tensor]:
        """Return the tensors of a piece, made unless they are there."""
        from safetensors.torch import load_file

        folder = self._kept.find(name)
        if folder is None:
            piece = make()
            folder = self._kept.keep(name, lambda fresh: write_safetensors(fresh / _TENSORS, piece))
        return load_file(folder / _TENSORS)
