"""Whether a checkpoint's tokenizer is there and reads text: the library makes an empty one of the
right class where its files are missing, and every prompt would be no token at all.
"""

from __future__ import annotations

from pathlib import Path

from safebasin.errors import DamagedInput
from safebasin.models.load import load_tokenizer

_FAST = "tokenizer.json"
_PLAIN = ("vocab.json", "merges.txt")
_TEXT = "The number of a quiet lake is seven."


def check_tokenizer(folder: Path) -> None:
    """Raise where the tokenizer does not load, or does not give back a plain text.

    Raises:
        DamagedInput: it does not; the message says which file is wanted.
    """
    has_plain = all((folder / name).exists() for name in _PLAIN)
    if not (folder / _FAST).exists() and not has_plain:
        raise DamagedInput(f"{folder} has no {_FAST}{_seen(folder)}")
    tokenizer = load_tokenizer(folder)
    tokens = tokenizer(_TEXT, add_special_tokens=False)["input_ids"]
    text = str(tokenizer.decode(tokens))
    if _letters(text) != _letters(_TEXT):
        raise DamagedInput(
            f"{folder}: the tokenizer makes {len(tokens)} tokens of {_TEXT!r} and gives back "
            f"{text!r}: its files do not belong together, or one is missing"
        )


def _seen(folder: Path) -> str:
    if (folder / "tokenizer.model").exists():
        return (
            " but a tokenizer.model alone, which cannot be read here without converting it: do "
            "that once, where sentencepiece is installed, with AutoTokenizer.from_pretrained("
            "folder).save_pretrained(folder), and give its tokenizer.json"
        )
    return f" (nor {' and '.join(_PLAIN)}); give the source's `files` a pattern that takes it"


def _letters(text: str) -> str:
    return "".join(text.lower().split())
