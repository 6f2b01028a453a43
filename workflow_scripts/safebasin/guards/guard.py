"""The guards by name: what a study says of a guard, as the texts it puts into the prompt."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple, Protocol, cast

from safebasin.errors import StudyError
from safebasin.guards.injection import Injection
from safebasin.guards.options import read_options
from safebasin.plugins import make_plugin

if TYPE_CHECKING:
    from safebasin.guards.choice import PrefixChoice

BUILT_IN: Mapping[str, str] = {
    "classifier": "Classify",
    "comment": "Comment",
    "few_shot": "FewShot",
    "neutral": "Neutral",
    "none": "Nothing",
    "opening": "Opening",
    "prefix": "Prefix",
    "random_safety": "RandomSafety",
    "system": "System",
}
"""A guard's type, which is its module in ``kinds``, to its class."""


class SearchTask(NamedTuple):
    """One task of the search part, which guards may show or learn from."""

    instruction: str
    kind: str
    """``benign`` or ``harmful``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardContext:
    """What a guard may need besides its own settings."""

    prefix: PrefixChoice | None
    """The search whose prefixes are used or matched."""
    count_tokens: Callable[[str], int]
    """Tokens of a text, by the agent's tokenizer."""
    search_tasks: Sequence[tuple[str, str]] = ()
    """(instruction, kind) of the search part, in the world's order; never of the test part."""


class Guard(Protocol):
    """A dataclass whose fields are the guard's options; a plugin is a class with this method."""

    def inject(self, context: GuardContext) -> Injection:
        """Return what to put into every prompt."""
        ...


def load_guard(settings: Mapping[str, object], context: GuardContext) -> Injection:
    """Return the texts of the guard that ``settings["type"]`` names, importing no other.

    A ``classifier`` beside another guard adds no text; ``blocking_threshold`` reads it.

    Raises:
        StudyError: there is no such guard, an option of it is wrong, or it lacks what it needs
            (a prefix, search tasks).
    """
    blocking_threshold(settings)
    return _guard(settings).inject(context)


def blocking_threshold(settings: Mapping[str, object]) -> float | None:
    """Return the probability of harm from which the classifier blocks a task; None without one.

    Raises:
        StudyError: the classifier has an unknown option or no probability as its threshold.
    """
    alone = settings.get("type") == "classifier"
    beside = settings if alone else settings.get("classifier")
    if beside is None:
        return None
    if not isinstance(beside, Mapping):
        raise StudyError(f"guard.classifier: {beside!r} should be like {{threshold: 0.5}}")
    guard = _guard({**beside, "type": "classifier"})
    return cast(float, guard.threshold)  # type: ignore[attr-defined]


def _guard(settings: Mapping[str, object]) -> Guard:
    kind = str(settings.get("type"))
    options = {key: value for key, value in settings.items() if key not in ("type", "classifier")}
    if ":" in kind:
        made = make_plugin(kind, cast(Mapping[str, object], options.get("params") or {}))
        if not callable(getattr(made, "inject", None)):
            raise StudyError(f"guard {kind}: has no method inject, so it puts nothing in")
        return cast(Guard, made)
    if kind not in BUILT_IN:
        raise StudyError(
            f"guard.type: {kind!r} is no guard; use one of {', '.join(BUILT_IN)} or ./file.py:Class"
        )
    # By name, not by an import statement: a guard's code identity must not hold the others.
    module = import_module(f"safebasin.guards.kinds.{kind}")
    return cast(Guard, read_options(getattr(module, BUILT_IN[kind]), options, f"guard {kind}"))
