"""Make a checkpoint folder from what a source holds."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from safebasin.errors import DamagedInput, StudyError
from safebasin.models.checkpoint_files import refuse_pickles
from safebasin.models.folder import CHECKPOINT_FILES, read_settings, write_settings
from safebasin.models.load import Precision, check_checkpoint, load_tokenizer

if TYPE_CHECKING:
    from safebasin.models.tiny import TinyLlama

Format = Literal["gguf", "safetensors", "tiny_llama"]


def convert_checkpoint(
    source: Path | None,
    folder: Path,
    *,
    form: Format,
    file: str | None,
    dtype: Precision | None,
    tiny: TinyLlama | None,
) -> None:
    """Fill ``folder`` with a checkpoint that loads with ``from_pretrained``.

    Args:
        source: The raw files; None only for ``tiny_llama``.
        folder: Gets the checkpoint; what an earlier try left there is replaced.
        form: ``gguf`` de-quantises one file, ``safetensors`` takes a checkpoint as it is,
            ``tiny_llama`` draws a small random model.
        file: Pattern that picks the GGUF file, or the ``config.json`` of the checkpoint, where
            the source holds several.
        dtype: Type of the weights; a ``safetensors`` source keeps its own unless one is named.
        tiny: Size of the random model.

    Raises:
        StudyError: a setting is missing, or ``file`` does not pick exactly one file.
        DamagedInput: the source is no checkpoint that can be loaded without running its code.
    """
    if form == "tiny_llama":
        if tiny is None:
            raise StudyError("format tiny_llama needs 'tiny': hidden, layers, heads, vocabulary")
        from safebasin.models.tiny import write_tiny_llama

        write_tiny_llama(tiny, dtype or "float32", folder)
        return
    if source is None:
        raise StudyError(f"format {form} needs a source")
    if form == "gguf":
        from safebasin.models.gguf import convert_gguf

        convert_gguf(the_file(source, file or "**/*.gguf"), dtype or "float32", folder)
        return
    take_checkpoint(the_file(source, file or "**/config.json").parent, folder, dtype)


def the_file(source: Path, pattern: str) -> Path:
    """Return the one file in ``source`` that ``pattern`` matches.

    Raises:
        StudyError: it matches none, or several.
    """
    found = sorted(path for path in source.glob(pattern) if path.is_file())
    if len(found) != 1:
        names = ", ".join(str(path.relative_to(source)) for path in found) or "nothing"
        raise StudyError(f"the pattern {pattern!r} picks {names} of the source; one file is right")
    return found[0]


def take_checkpoint(home: Path, folder: Path, dtype: Precision | None) -> None:
    """Take a Hugging Face checkpoint over: weights linked, configs made canonical.

    Raises:
        DamagedInput: its weights are pickled, it names code to run, or its config or tokenizer
            do not load.
    """
    refuse_pickles_alone(home)
    check_checkpoint(home)
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted({path for name in CHECKPOINT_FILES for path in home.glob(name)}):
        _copy(path, folder / path.name)
    if dtype is not None:
        _cast(folder, dtype)
    _check_config(folder)
    load_tokenizer(folder)


def refuse_pickles_alone(home: Path) -> None:
    """Raise where the only weights are pickled; beside safetensors they are left behind.

    Raises:
        DamagedInput: they are; the message names them.
    """
    if not any(home.glob("*.safetensors")):
        refuse_pickles(home, "model.safetensors")


def _copy(path: Path, target: Path) -> None:
    """Put a file's bytes at ``target``: canonical for configs, a hard link for weights."""
    target.unlink(missing_ok=True)
    if path.name in ("config.json", "generation_config.json", "tokenizer_config.json"):
        write_settings(target, read_settings(path))
        return
    if path.suffix == ".safetensors":
        try:
            target.hardlink_to(path.resolve())
        except OSError:  # another file system, or one without links
            shutil.copyfile(path, target)
        return
    shutil.copyfile(path, target)


def _cast(folder: Path, dtype: Precision) -> None:
    """Rewrite the weights in ``dtype``, file by file, tensor names and shards kept."""
    import torch

    from safebasin.models.tensor_files import FLOATS, TensorFile
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
    index = folder / "model.safetensors.index.json"
    if index.exists():
        write_settings(index, {"weight_map": read_settings(index)["weight_map"]})
    config = read_settings(folder / "config.json")
    config.pop("torch_dtype", None)
    write_settings(folder / "config.json", {**config, "dtype": dtype})


def _check_config(folder: Path) -> None:
    """Raise where transformers does not know the architecture.

    Raises:
        DamagedInput: it does not.
    """
    from transformers import AutoConfig

    try:
        AutoConfig.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        raise DamagedInput(f"{folder}/config.json does not load: {error}") from error
