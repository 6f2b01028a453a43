"""Whether a checkpoint's tokenizer is there and reads text as its file says.

The library makes an empty one of the right class where its files are missing, and every prompt
would be no token at all. And it makes some classes anew from the vocabulary, whatever
``tokenizer.json`` says of how a text is split.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from safebasin.errors import DamagedInput
from safebasin.models.folder import read_settings, write_settings
from safebasin.models.load import load_tokenizer
from safebasin.models.skeleton import config_in

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_FAST = "tokenizer.json"
_PLAIN = ("vocab.json", "merges.txt")
_TEXT = "The number of a quiet lake is seven."
_TEXTS = (_TEXT, "Don't  stop: 2024!\n\nHé, 日本\n", "  def f(x):\n\treturn 1234567 + x_86")
"""Texts with what classes split in their own ways: digits, blanks, marks, capitals."""
_PLAIN_CLASS = "PreTrainedTokenizerFast"


def check_tokenizer(folder: Path) -> None:
    """Raise where the tokenizer does not load, or does not give back a plain text.

    Where its class would read texts otherwise than its ``tokenizer.json`` says, the folder's config
    is made to name the plain class, which reads them so.

    Raises:
        DamagedInput: it does not, which the message explains by the files, or it knows tokens
            that the model has no embedding of, or no class reads texts as its file says.
    """
    has_plain = all((folder / name).exists() for name in _PLAIN)
    if not (folder / _FAST).exists() and not has_plain:
        raise DamagedInput(f"{folder} has no {_FAST}{_seen(folder)}")
    if (folder / _FAST).exists():
        _keep_to_file(folder)
    tokenizer = load_tokenizer(folder)
    tokens = tokenizer(_TEXT, add_special_tokens=False)["input_ids"]
    _check_embeddings(folder, tokenizer, tokens)
    text = str(tokenizer.decode(tokens))
    if _letters(text) != _letters(_TEXT):
        raise DamagedInput(
            f"{folder}: the tokenizer makes {len(tokens)} tokens of {_TEXT!r} and gives back "
            f"{text!r}: its files do not belong together, or one is missing"
        )


def _keep_to_file(folder: Path) -> None:
    if _reads_as_its_file(folder):
        return
    path = folder / "tokenizer_config.json"
    settings = read_settings(path) if path.exists() else {}
    if settings.get("add_prefix_space"):  # the one thing that a config changes of the file
        return
    write_settings(path, {**settings, "tokenizer_class": _PLAIN_CLASS})
    if not _reads_as_its_file(folder):
        raise DamagedInput(
            f"{folder}: transformers makes other tokens of a text than {_FAST} says, and a model "
            "of this type has its tokenizer made so whatever its config names; a tokenizer of the "
            "model's own family is right"
        )


def _reads_as_its_file(folder: Path) -> bool:
    """Return whether the tokenizer makes the tokens of ``tokenizer.json``, at the start of a text
    and behind a token of the model's own.
    """
    from transformers import PreTrainedTokenizerFast

    tokenizer = load_tokenizer(folder)
    try:
        plain = PreTrainedTokenizerFast.from_pretrained(str(folder), local_files_only=True)
        if type(tokenizer) is type(plain):
            return True
        own = next(iter(tokenizer.all_special_tokens), "")
        return all(
            _tokens(tokenizer, text) == _tokens(plain, text)
            for text in (*_TEXTS, *(own + text for text in _TEXTS))
        )
    except Exception:  # a class that does not fit the vocabulary fails in its own way
        return False


def _tokens(tokenizer: PreTrainedTokenizerBase, text: str) -> Sequence[int]:
    tokens: Sequence[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return tokens


def _check_embeddings(
    folder: Path, tokenizer: PreTrainedTokenizerBase, tokens: Sequence[int]
) -> None:
    """Raise where a token that conversations need has no embedding: it would end a job midway.

    The library itself may add a token at the end (for unknown text) that no text becomes.
    """
    rows = config_in(folder).get_text_config().vocab_size
    template = str(tokenizer.chat_template or "")
    needed = {token: repr(tokenizer.convert_ids_to_tokens(token)) for token in tokens}
    needed |= {
        at: repr(name) for name, at in tokenizer.get_added_vocab().items() if name in template
    }
    if tokenizer.eos_token_id is not None:
        needed[tokenizer.eos_token_id] = repr(tokenizer.eos_token)
    if beyond := [f"{name} is token {at}" for at, name in sorted(needed.items()) if at >= rows]:
        raise DamagedInput(
            f"{folder}: the model has embeddings of {rows} tokens, and {', '.join(beyond[:4])} of "
            "the tokenizer; tokenizer and weights of one model are right"
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
