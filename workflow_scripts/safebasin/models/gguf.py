"""A GGUF file as a checkpoint: the tensors de-quantised, the tokenizer and template taken over.

What comes out is the quantised model exactly, in floating point. It is not the model that was
quantised, and should not be called by that name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safebasin.errors import DamagedInput, SafebasinError
from safebasin.models.folder import untied_tensors, write_checkpoint
from safebasin.models.gguf_settings import check_settings, check_whole
from safebasin.models.gguf_words import check_words
from safebasin.models.heed import heeding
from safebasin.models.quiet import hush
from safebasin.models.weights import refuse_incomplete

if TYPE_CHECKING:
    from gguf import GGUFReader

_MAGIC = b"GGUF"


def convert_gguf(file: Path, dtype: str, folder: Path) -> None:
    """Write the model in ``file`` to ``folder`` as safetensors of ``dtype``.

    Raises:
        DamagedInput: the file is no GGUF file, one that transformers cannot read, or one of which
            it would leave tensors or settings aside.
    """
    with file.open("rb") as stream:
        seen = stream.read(len(_MAGIC))
    if seen != _MAGIC:
        raise DamagedInput(f"{file} begins with {seen!r}; a GGUF file begins with {_MAGIC!r}")
    hush()
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    source = {"gguf_file": file.name, "local_files_only": True}
    try:
        with _read_once() as read, heeding(file):
            reader = read(str(file))
            check_whole(file, reader)
            tokenizer = AutoTokenizer.from_pretrained(str(file.parent), **source)
            loaded: Any = AutoModelForCausalLM.from_pretrained(
                str(file.parent),
                dtype=getattr(torch, dtype),
                quantization_config=GgufConfig(dequantize=True),
                ignore_mismatched_sizes=True,
                output_loading_info=True,
                **source,
            )
    except SafebasinError:
        raise
    except Exception as error:  # broken files fail in many ways
        what = f"{type(error).__name__}: {error}"
        raise DamagedInput(f"{file}: transformers cannot read this GGUF file: {what}") from error
    model, told = loaded
    refuse_incomplete(file, told)
    check_all_taken(file, reader, model)
    check_settings(file, reader, model.config)
    check_words(file, reader)
    write_checkpoint(folder, model, tokenizer)


@contextmanager
def _read_once() -> Iterator[Callable[[str], GGUFReader]]:
    """Have transformers share one reader: for tokenizer, config and weights it would make three,
    each of which takes seconds for the vocabulary alone.
    """
    import gguf

    reader = gguf.GGUFReader
    once = cache(reader)
    gguf.GGUFReader = once  # type: ignore[misc, assignment]
    try:
        yield once
    finally:
        gguf.GGUFReader = reader  # type: ignore[misc]


def check_all_taken(file: Path, reader: GGUFReader, model: Any) -> None:
    """Raise where the model has not as many numbers as the file: tensors were left aside.

    transformers leaves tensors that it knows no place for aside without a word: biases, layers
    beyond the stated number, the factors of a scaled RoPE.

    Raises:
        DamagedInput: it has more or fewer.
    """
    stored = sum(int(tensor.n_elements) for tensor in reader.tensors)
    taken = sum(tensor.numel() for tensor in untied_tensors(model).values())
    if stored == taken:
        return
    left = ", ".join(_without_place(reader, model)[:6]) or "no tensor that can be told"
    raise DamagedInput(
        f"{file}: its tensors hold {stored} numbers, and the model that transformers makes of it "
        f"{taken}; without a place are {left}. Give the checkpoint as safetensors"
    )


def _without_place(reader: GGUFReader, model: Any) -> list[str]:
    """Return the file's tensors that no tensor of the model is called after."""
    from gguf import MODEL_ARCH_NAMES, get_tensor_name_map

    told = str(reader.fields["general.architecture"].contents())
    known = [arch for arch, name in MODEL_ARCH_NAMES.items() if name == told]
    layers = int(model.config.get_text_config().num_hidden_layers)
    if not known:
        return []
    names = get_tensor_name_map(known[0], layers)
    used = {names.get_name(name, try_suffixes=(".weight", ".bias")) for name in model.state_dict()}
    return sorted(tensor.name for tensor in reader.tensors if tensor.name not in used)
