"""Make a checkpoint folder from what a source holds."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from safebasin.errors import DamagedInput, StudyError
from safebasin.models.architecture import check_architecture
from safebasin.models.checkpoint_files import CheckpointFiles, refuse_pickles
from safebasin.models.folder import (
    SETTINGS_FILES,
    read_settings,
    refuse_remote_code,
    write_settings,
)
from safebasin.models.load import Precision, check_files
from safebasin.models.tokenizer_check import check_tokenizer
from safebasin.models.weight_files import cast_weights, link_weights, refuse_others
from safebasin.models.weight_values import check_values
from safebasin.models.weights import check_weights, refuse_quantised

if TYPE_CHECKING:
    from safebasin.models.tiny import TinyLlama
    from safebasin.store.canonical import Json

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
        keep_ends(folder)
        check_architecture(folder)
        check_values(folder)
        check_tokenizer(folder)
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
        raise StudyError(
            f"the pattern {pattern!r} picks {names} of the source; one file is right: name it with "
            "the checkpoint's `file`"
        )
    return found[0]


def take_checkpoint(home: Path, folder: Path, dtype: Precision | None) -> None:
    """Take a Hugging Face checkpoint over: weights linked, configs made canonical.

    Raises:
        DamagedInput: its weights are pickled, quantised, not those of its architecture or
            ambiguous, or its config or tokenizer do not load without code of its own.
    """
    refuse_pickles_alone(home)
    if not _is_native(home):
        refuse_remote_code(home)
    check_files(home)
    refuse_quantised(home)
    refuse_others(home)
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted({path for name in SETTINGS_FILES for path in home.glob(name)}):
        _copy(path, folder / path.name)
    keep_ends(folder)
    link_weights(CheckpointFiles(home), folder)
    check_architecture(folder)
    check_weights(folder)
    if dtype is not None:
        cast_weights(folder, dtype)
    check_values(folder)
    check_tokenizer(folder)


def refuse_pickles_alone(home: Path) -> None:
    """Raise where the only weights are pickled; beside safetensors they are left behind.

    Raises:
        DamagedInput: they are; the message names them.
    """
    if not any(home.glob("*.safetensors")):
        refuse_pickles(home, "model.safetensors")


def _copy(path: Path, target: Path) -> None:
    """Put a file's bytes at ``target``, canonical for configs, without code to run."""
    target.unlink(missing_ok=True)
    if path.name in ("config.json", "generation_config.json", "tokenizer_config.json"):
        settings = read_settings(path)
        if _is_native(path.parent):
            settings.pop("auto_map", None)
        write_settings(target, settings)
        return
    shutil.copyfile(path, target)


def keep_ends(folder: Path) -> None:
    """Leave in the decoding config the tokens that it names, its ends among them.

    Decoding is greedy here, so the rest would say what is not done; and transformers refuses to
    load a model whose rest contradicts itself.

    Raises:
        DamagedInput: what it names are no tokens' numbers.
    """
    path = folder / "generation_config.json"
    if path.exists():
        told = read_settings(path)
        named = ("bos_token_id", "eos_token_id", "pad_token_id")
        kept = {name: told[name] for name in named if name in told}
        if odd := [
            f"{name} is {value!r}" for name, value in kept.items() if not _are_tokens(value)
        ]:
            raise DamagedInput(
                f"{path}: {', '.join(odd)}; the number of a token, or a list of numbers, is right"
            )
        write_settings(path, kept)


def _are_tokens(value: Json) -> bool:
    several = value if isinstance(value, list) else [value]
    return value is None or all(type(each) is int for each in several)


def _is_native(home: Path) -> bool:
    """Return whether transformers itself knows the architecture, so that no code is needed."""
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    return read_settings(home / "config.json").get("model_type") in CONFIG_MAPPING
