"""What proposes prefixes, and which generator a study's settings name."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from safebasin.errors import StudyError
from safebasin.guards.options import read_options
from safebasin.progress import SILENT, Progress
from safebasin.store.canonical import Json

if TYPE_CHECKING:
    from safebasin.models.load import LoadedModel

BUILT_IN: Mapping[str, str] = {
    "grammar": "GrammarSettings",
    "local_lm": "LocalModelSettings",
    "openai_compatible": "ChatApiSettings",
}
"""A generator's type, which is its module here, to the class of its settings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One prefix to be scored: a comment line that begins with ``# ``, without a line end."""

    text: str
    parents: tuple[str, ...] = ()
    """The fed-back prefixes it was made from; empty for one made from scratch."""
    source: str = ""
    """Who wrote it: a generator's type. One generator may fill up with another's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemplar:
    """One scored prefix, as it is fed back."""

    text: str
    perf: float
    refusal: float
    overall: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """The paper's U: three lists of the best so far, which may overlap."""

    best_overall: Sequence[Exemplar]
    best_perf: Sequence[Exemplar]
    best_refusal: Sequence[Exemplar]

    def texts(self) -> tuple[str, ...]:
        """Return every text once, in the order of the lists."""
        lists = (self.best_overall, self.best_perf, self.best_refusal)
        return tuple(dict.fromkeys(each.text for exemplars in lists for each in exemplars))


class Generator(Protocol):
    """Proposes prefixes. It holds no state: what it says follows from round and feedback."""

    @property
    def reproducible(self) -> bool:
        """Whether the same settings give the same proposals on the same machine."""
        ...

    @property
    def description(self) -> Mapping[str, Json]:
        """What ``prefix.json`` says of it: type and settings, no token."""
        ...

    def propose(self, count: int, feedback: Feedback | None, round: int) -> list[Proposal]:
        """Return at most ``count`` prefixes for a round, numbered from 1.

        ``feedback`` is None where nothing found so far is worth following.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratorContext:
    """What a generator may need besides its settings."""

    model: LoadedModel | None = None
    """Of ``local_lm``: an untuned checkpoint."""
    replies: Path | None = None
    """Of ``openai_compatible``: the file that keeps what came back, line by line."""
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    """Where a token is read from."""
    progress: Progress = SILENT


class _Settings(Protocol):
    """A dataclass whose fields are a generator's options."""

    def make(self, context: GeneratorContext) -> Generator:
        """Return the generator."""
        ...


def load_generator(
    settings: Mapping[str, object], context: GeneratorContext | None = None
) -> Generator:
    """Return the generator that ``settings["type"]`` names, importing no other.

    Raises:
        StudyError: there is no such generator, or an option of it is wrong.
    """
    kind = str(settings.get("type"))
    if kind not in BUILT_IN:
        raise StudyError(
            f"generator.type: {kind!r} is no generator; use one of {', '.join(BUILT_IN)}"
        )
    module = import_module(f"safebasin.guards.generators.{kind}")
    options = {key: value for key, value in settings.items() if key != "type"}
    shape: type[_Settings] = getattr(module, BUILT_IN[kind])
    found = read_options(shape, options, f"generator {kind}")
    return found.make(context or GeneratorContext())
