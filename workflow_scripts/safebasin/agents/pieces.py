"""Finished pieces of a long job, kept so that a killed one goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from safebasin.store.canonical import Json
from safebasin.store.writers import write_json, write_safetensors

if TYPE_CHECKING:
    from torch import Tensor


class Pieces:
    """A folder with one file for each finished piece; a half-written one is not among them."""

    def __init__(self, folder: Path) -> None:
        """Keep the pieces in ``folder``; the caller deletes it at the end."""
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def json(self, name: str, make: Callable[[], object]) -> Any:
        """Return the piece as JSON gives it back, made unless it is there."""
        path = self._folder / f"{name}.json"
        if not path.exists():
            write_json(path.with_suffix(".new"), cast(Json, make()))
            path.with_suffix(".new").replace(path)
        return json.loads(path.read_text(encoding="utf-8"))

    def tensors(self, name: str, make: Callable[[], Mapping[str, Tensor]]) -> dict[str, Tensor]:
        """Return the tensors of a piece, made unless they are there."""
        from safetensors.torch import load_file

        path = self._folder / f"{name}.safetensors"
        if not path.exists():
            write_safetensors(path.with_suffix(".new"), make())
            path.with_suffix(".new").replace(path)
        return load_file(path)
