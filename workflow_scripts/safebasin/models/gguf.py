"""A GGUF file as a checkpoint: the tensors de-quantised, the tokenizer and template taken over.

What comes out is the quantised model exactly, in floating point. It is not the model that was
quantised, and should not be called by that name.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from safebasin.errors import DamagedInput
from safebasin.models.folder import write_checkpoint
from safebasin.models.quiet import hush

_MAGIC = b"GGUF"


def convert_gguf(file: Path, dtype: str, folder: Path) -> None:
    """Write the model in ``file`` to ``folder`` as safetensors of ``dtype``.

    Raises:
        DamagedInput: the file is no GGUF file, or one that transformers cannot read.
    """
    with file.open("rb") as stream:
        seen = stream.read(len(_MAGIC))
    if seen != _MAGIC:
        raise DamagedInput(f"{file} begins with {seen!r}; a GGUF file begins with {_MAGIC!r}")
    hush()
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    source = {"gguf_file": file.name, "local_files_only": True}
    try:
        with _read_once():
            tokenizer = AutoTokenizer.from_pretrained(str(file.parent), **source)
            model = AutoModelForCausalLM.from_pretrained(
                str(file.parent), dtype=getattr(torch, dtype), **source
            )
    except (ValueError, KeyError, OSError, NotImplementedError) as error:
        raise DamagedInput(f"{file}: transformers cannot read this GGUF file: {error}") from error
    write_checkpoint(folder, model, tokenizer)


@contextmanager
def _read_once() -> Iterator[None]:
    """Have transformers share one reader: for tokenizer, config and weights it would make three,
    each of which takes seconds for the vocabulary alone.
    """
    import gguf

    reader = gguf.GGUFReader
    gguf.GGUFReader = cache(reader)  # type: ignore[misc, assignment]
    try:
        yield
    finally:
        gguf.GGUFReader = reader  # type: ignore[misc]
