"""The files of a checkpoint's weights: told apart from others, linked, or cast."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from safebasin.errors import DamagedInput
from safebasin.models.checkpoint_files import INDEX, SINGLE, CheckpointFiles
from safebasin.models.folder import read_settings, write_settings
from safebasin.models.tensor_files import FLOATS, TensorFile
from safebasin.store.canonical import Json

if TYPE_CHECKING:
    from safebasin.models.load import Precision


def refuse_others(home: Path) -> None:
    """Raise where files beside the checkpoint's could be meant instead, or belong to it.

    Mistral's ``consolidated*`` files are its own format of the same weights, and left out.
    """
    listed = {file.path.name for file in CheckpointFiles(home).files}
    others = sorted(
        path.name
        for path in home.glob("*.safetensors")
        if path.name not in listed and not path.name.startswith("consolidated")
    )
    if others:
        raise DamagedInput(
            f"{home} holds {', '.join(others)} beside {', '.join(sorted(listed))}, and which of "
            "them are the checkpoint is not told; leave the others out (a source's `files` names "
            "those that are taken)"
        )
    if (home / "adapter_config.json").exists():
        raise DamagedInput(
            f"{home} holds an adapter_config.json beside a whole checkpoint: whether the adapter "
            "is in the weights is not told; leave it out, or name the adapter under `adapters`"
        )


def link_weights(files: CheckpointFiles, folder: Path) -> None:
    """Link the weights into ``folder`` under the library's own names, with a whole index."""
    for left in folder.glob("*.safetensors*"):
        left.unlink()
    shards = files.files
    if len(shards) == 1:
        _link(shards[0].path, folder / SINGLE)
        return
    weight_map: dict[str, Json] = {}
    for number, shard in enumerate(shards, start=1):
        name = f"model-{number:05d}-of-{len(shards):05d}.safetensors"
        _link(shard.path, folder / name)
        weight_map |= dict.fromkeys(shard.tensors, name)
    _write_index(folder, weight_map)


def _link(path: Path, target: Path) -> None:
    try:
        target.hardlink_to(path.resolve())
    except OSError:  # another file system, or one without links
        shutil.copyfile(path, target)


def _write_index(folder: Path, weight_map: Mapping[str, Json]) -> None:
    """Write the index of a checkpoint's shards; transformers reads its ``metadata`` too."""
    sizes = (
        stored.size
        for shard in sorted(set(map(str, weight_map.values())))
        for stored in TensorFile(folder / shard).tensors.values()
    )
    write_settings(
        folder / INDEX, {"metadata": {"total_size": sum(sizes)}, "weight_map": dict(weight_map)}
    )


def cast_weights(folder: Path, dtype: Precision) -> None:
    """Rewrite the weights in ``dtype``, file by file, tensor names and shards kept."""
    import torch

    from safebasin.store.writers import write_safetensors

    for path in sorted(folder.glob("*.safetensors")):
        file = TensorFile(path)
        tensors = {
            name: file.read(name).to(getattr(torch, dtype))
            if stored.dtype in FLOATS
            else file.read(name)
            for name, stored in file.tensors.items()
        }
        path.unlink()  # it may be a link to the source's file
        write_safetensors(path, tensors)
    if (folder / INDEX).exists():
        weight_map = read_settings(folder / INDEX)["weight_map"]
        assert isinstance(weight_map, dict)
        _write_index(folder, weight_map)
    config = read_settings(folder / "config.json")
    config.pop("torch_dtype", None)
    write_settings(folder / "config.json", {**config, "dtype": dtype})
