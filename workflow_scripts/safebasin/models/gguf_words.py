"""How a GGUF file's vocabulary splits a text into words, against what transformers knows of it.

llama.cpp calls the rule by a name. transformers has the rules of some names and takes that of GPT-2
for every other one without a word, so that texts would become other tokens than in training.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from safebasin.errors import DamagedInput

if TYPE_CHECKING:
    from gguf import GGUFReader

_AS_GPT2 = frozenset(
    {
        "a.x-4.0", "default", "exaone4", "gigachat", "gpt-2", "granite-docling", "jais", "mellum",
        "mpt", "olmo", "phi-2", "trillion",
    }
)  # fmt: skip
"""Names whose rule is GPT-2's; ``default`` says that the file's writer knew none.

Source: llama.cpp, ``src/llama-vocab.cpp``.
"""
_DIGIT_BY_DIGIT = frozenset(
    {"codeshell", "command-r", "exaone", "minerva-7b", "refact", "smollm", "starcoder"}
)
"""Names whose rule is GPT-2's behind one that splits numbers into digits."""
_ORDINARY = 1


def check_words(file: Path, reader: GGUFReader) -> None:
    """Raise where words would be split otherwise than the file says.

    Raises:
        DamagedInput: they would; the message names the rule.
    """
    from transformers.integrations.gguf.gguf_tokenizer_mapping import GGUF_PRE_TOKENIZER_SPLITS

    if _setting(reader, "model") != "gpt2":
        return
    rule = _setting(reader, "pre") or "default"
    if rule in GGUF_PRE_TOKENIZER_SPLITS or rule in _AS_GPT2:
        return
    if rule in _DIGIT_BY_DIGIT and not _joins_digits(reader):
        return
    raise DamagedInput(
        f"{file}: its vocabulary splits words by the rule {rule!r} (tokenizer.ggml.pre), which "
        "transformers does not know: it would make other tokens of a text; give the checkpoint as "
        "safetensors, with its tokenizer.json"
    )


def _joins_digits(reader: GGUFReader) -> bool:
    """Return whether a token holds a digit and more, so that GPT-2's rule could make it."""
    tokens = _setting(reader, "tokens") or []
    kinds = _setting(reader, "token_type") or [_ORDINARY] * len(tokens)
    return any(
        kind == _ORDINARY and len(token) > 1 and any(c in "0123456789" for c in token)
        for token, kind in zip(tokens, kinds, strict=False)
    )


def _setting(reader: GGUFReader, name: str) -> Any:
    field = reader.fields.get(f"tokenizer.ggml.{name}")
    return None if field is None else field.contents()
