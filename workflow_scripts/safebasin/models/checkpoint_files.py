"""A checkpoint folder's tensors, by name: shapes and dtypes without data, data one at a time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from safebasin.errors import DamagedInput, RequestError
from safebasin.models.tensor_files import StoredTensor, TensorFile

if TYPE_CHECKING:
    from torch import Tensor

SINGLE, INDEX = "model.safetensors", "model.safetensors.index.json"
_PICKLES = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt")


class CheckpointFiles:
    """The tensors of one checkpoint, in one file or in shards with an index."""

    def __init__(self, folder: Path) -> None:
        """Read the headers of the checkpoint in ``folder``, no data.

        Raises:
            DamagedInput: there are no safetensors, the index and the shards do not agree, or the
                weights are pickled.
        """
        self.folder = folder
        self.files = _open_files(folder)
        """The files that hold them, by name."""
        self._home = {name: file for file in self.files for name in sorted(file.tensors)}

    def names(self) -> list[str]:
        """Return the names of all tensors, sorted."""
        return sorted(self._home)

    def __contains__(self, name: str) -> bool:
        return name in self._home

    def stored(self, name: str) -> StoredTensor:
        """Return shape and dtype of a tensor without reading it.

        Raises:
            RequestError: the checkpoint has no such tensor.
        """
        return self._file_of(name).tensors[name]

    def read(self, name: str) -> Tensor:
        """Return one tensor in its own dtype, on the CPU; each of its bytes is read once.

        Raises:
            RequestError: the checkpoint has no such tensor.
        """
        return self._file_of(name).read(name)

    def _file_of(self, name: str) -> TensorFile:
        if name not in self._home:
            raise RequestError(f"the checkpoint in {self.folder} has no tensor {name!r}")
        return self._home[name]


def refuse_pickles(folder: Path, wanted: str) -> None:
    """Raise where ``folder`` holds pickled weights: loading them could run any code.

    Raises:
        DamagedInput: it does; the message names them and says that ``wanted`` is read instead.
    """
    pickles = sorted(p.name for p in folder.iterdir() if p.suffix.lower() in _PICKLES)
    if pickles:
        raise DamagedInput(
            f"{folder} holds pickled weights ({', '.join(pickles)}), which are never loaded; "
            f"{wanted} is read instead: convert them where they come from"
        )


def _open_files(folder: Path) -> list[TensorFile]:
    index = folder / INDEX
    if (folder / SINGLE).exists():
        if index.exists():
            raise DamagedInput(
                f"{folder} holds both {SINGLE} and {INDEX}, and only one of them can be the "
                "checkpoint; leave the other out (a source's `files` names those that are taken)"
            )
        return [TensorFile(folder / SINGLE)]
    if not index.exists():
        refuse_pickles(folder, SINGLE)
        raise DamagedInput(f"{folder} holds neither {SINGLE} nor {INDEX}")
    places = _read_index(index)
    shards = sorted(set(places.values()))
    if missing := [shard for shard in shards if not (folder / shard).exists()]:
        raise DamagedInput(
            f"{folder} lacks {', '.join(missing)}: {len(missing)} of the {len(shards)} files that "
            f"{INDEX} lists"
        )
    files = [TensorFile(folder / shard) for shard in shards]
    found: dict[str, str] = {}
    for file in files:
        for name in file.tensors:
            if name in found:
                raise DamagedInput(f"{folder}: {name} lies in {found[name]} and {file.path.name}")
            found[name] = file.path.name
    for name in sorted(places.keys() | found.keys()):
        if places.get(name) != found.get(name):
            raise DamagedInput(
                f"{index}: {name} is said to lie in {places.get(name)}, found in {found.get(name)}"
            )
    return files


def _read_index(index: Path) -> dict[str, str]:
    try:
        places = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
        plain = all(isinstance(v, str) and v == Path(v).name for v in places.values())
        plain = plain and all(v.endswith(".safetensors") for v in places.values())
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DamagedInput(f"{index} has no readable weight_map: {error}") from error
    if not plain:
        raise DamagedInput(f"{index}: a shard's name is no plain file name *.safetensors")
    if not places:
        raise DamagedInput(f"{index}: its weight_map lists no tensor")
    return dict(places)
