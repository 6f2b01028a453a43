"""What a training method may do to a step: the four moments every objective answers.

The loop knows only this class. A method overrides the moments that make it what it is; the
defaults are plain supervised fine-tuning. Built-in methods lie beside this file, one each: the
method of type ``x`` is the class ``x.OBJECTIVE``, and only the module that is named is imported,
so an edit to one method is no edit to another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from inspect import signature
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from safebasin.errors import StudyError

if TYPE_CHECKING:
    from torch import Tensor

    from safebasin.directions.reader import DirectionReader

Figure: TypeAlias = "float | Tensor"
"""A number for the history. As a tensor of one number it may stay on its device: the loop reads
all figures of a step at once, since each reading waits for the device."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraPair:
    """The two factors that adapt one matrix: W becomes W + scale * B A."""

    name: str
    """The matrix, named as in the checkpoint: ``model.layers.0.self_attn.q_proj.weight``."""
    a: Tensor
    """LoRA A, (r, d_in), fp32, a leaf that requires a gradient."""
    b: Tensor
    """LoRA B, (d_out, r), fp32, a leaf that requires a gradient."""
    scale: float
    """s = alpha / r."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Which of the adapted matrices a method acts on."""

    expected: int
    """Matrices that carry an adapter and are not left free on purpose."""
    covered: int
    """Matrices that the method acts on."""
    missing: tuple[str, ...] = ()
    """Names of the expected matrices that the method does not act on."""
    free: tuple[str, ...] = ()
    """Names left alone because the direction is zero there and its policy is ``free``."""


class Objective:
    """Plain supervised fine-tuning; the base of every method.

    A subclass may take its settings as keyword arguments of ``__init__``.
    """

    needs_direction: ClassVar[bool] = False

    @classmethod
    def configured(cls, settings: Mapping[str, object]) -> Objective:
        """Return the objective with the ``settings`` of the study, the key ``type`` left out.

        Raises:
            StudyError: a setting is unknown or has no sensible value.
        """
        try:
            signature(cls).bind(**settings)
        except TypeError as error:
            known = ", ".join(signature(cls).parameters) or "none"
            raise StudyError(
                f"method {cls.__name__}: {dict(settings)}: {error} (its settings: {known})"
            ) from error
        return cls(**settings)

    def bind(self, pairs: Sequence[LoraPair], direction: DirectionReader | None) -> Coverage:
        """Take the adapter's pairs, once, before the first step; say what is covered."""
        del direction
        return Coverage(expected=len(pairs), covered=len(pairs))

    def next_source(self, step: int) -> str | None:
        """Return the mixture source of this step's batch; None takes the plain shuffle."""
        del step
        return None

    def backward(self, loss_of: Callable[[], Tensor]) -> Figure:
        """Add one micro-batch's gradients to ``.grad`` and return its loss.

        Args:
            loss_of: Computes the micro-batch's loss anew at each call, scaled as the loop
                wants it accumulated.
        """
        loss = loss_of()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.detach()

    def add_gradients(self, step: int) -> Mapping[str, Figure]:
        """Add what does not come from the batch to ``.grad``; return named figures.

        Called once per optimizer step, after accumulation and before clipping, so that a
        penalty's weight does not depend on the number of micro-batches.
        """
        del step
        return {}


def load_objective(method: Mapping[str, object]) -> Objective:
    """Return the objective that ``method`` asks for, importing no other.

    Args:
        method: ``{"type": "asft", "lambda": 1.0, ...}``, or a plugin, given as
            ``{"type": "./file.py:Class", "params": {...}}``.

    Raises:
        StudyError: there is no such method, or a setting of it is wrong.
    """
    kind = method.get("type")
    if not isinstance(kind, str):
        raise StudyError(f"method.type is {kind!r}: a name or './file.py:Class' is needed")
    settings = {key: value for key, value in method.items() if key != "type" and value is not None}
    if ".py:" in kind:
        return _plugin(kind, settings)
    module = f"{__package__}.{kind}"
    if not kind.isidentifier() or kind == "objective" or find_spec(module) is None:
        raise StudyError(
            f"method.type {kind!r} is not known: a built-in method (sft, ridge, asft) or "
            "'./file.py:Class' is needed"
        )
    objective: type[Objective] = import_module(module).OBJECTIVE
    return objective.configured(settings)


def _plugin(reference: str, settings: Mapping[str, object]) -> Objective:
    from safebasin.plugins import load_plugin

    params = settings.get("params", {})
    unknown = sorted(set(settings) - {"params", "files"})
    if unknown or not isinstance(params, Mapping):
        raise StudyError(f"method {reference}: its settings go under 'params', seen {unknown}")
    found = load_plugin(reference)
    if not (isinstance(found, type) and issubclass(found, Objective)):
        raise StudyError(
            f"method {reference} is no Objective: derive it from "
            "safebasin.tuning.objectives.objective.Objective"
        )
    return found.configured(params)
