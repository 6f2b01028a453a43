"""Warnings of the model libraries that mean wrong numbers, made errors."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from safebasin.errors import DamagedInput

_WRONG_NUMBERS = re.compile(
    r"will NOT tie them"
    r"|Unrecognized keys in `rope_parameters`"
    # That a row may be no longer than the scaled length is no matter of numbers.
    r"|`rope_parameters`'s \w+ field must(?! be less than max_position_embeddings)"
    r"|Missing validation function"
    r"|incorrect regex pattern"  # a pre-tokeniser that splits words otherwise than in training
    r"|may result in unexpected tokenization"
    r"|will use default value from model config class"
    r"|multiple active adapters"
    r"|Found missing adapter keys"
    r"|not all weights were loaded"
)
"""How transformers and PEFT say that what they hand out is not what was stored."""


@contextmanager
def heeding(what: object) -> Iterator[None]:
    """Raise where transformers or PEFT warn of wrong numbers while they load ``what``.

    They go on after such a warning, which nobody reads in a job's log. Other warnings stay off
    the terminal.

    Raises:
        DamagedInput: one of the warnings means that what was loaded is not what is stored.
    """
    library = logging.getLogger("transformers")
    seen = _Kept()
    level, handlers = library.level, library.handlers[:]
    library.handlers = [seen]
    library.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            yield
    finally:
        library.handlers = handlers
        library.setLevel(level)
    for message in (*seen.messages, *(str(warning.message) for warning in told)):
        if _WRONG_NUMBERS.search(message):
            raise DamagedInput(f"{what}: {' '.join(message.split())[:500]}")


class _Kept(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the record's text."""
        self.messages.append(record.getMessage())
