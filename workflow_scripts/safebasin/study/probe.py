"""Config of the probes on an agent's states."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, field_validator

from safebasin.study.base import Count, Distinct, Few, Model, Names, Seed
from safebasin.study.orders import numbers_in_order


def _layer(value: float) -> float:
    if not (0 < value < 1 or value == int(value)):
        raise ValueError("use a whole number (0 are the embeddings) or a fraction of the depth")
    return value


Layer = Annotated[float, Field(ge=0, le=10_000), AfterValidator(_layer)]
Layers = Annotated[
    tuple[Layer, ...], Field(min_length=1), Distinct, AfterValidator(numbers_in_order)
]
Coefficient = Annotated[float, Field(ge=-(10**9), le=10**9)]


class Steering(Model):
    """The probe's weight, added to the agent's states while it speaks (PING, table 17)."""

    coefficients: Annotated[
        tuple[Coefficient, ...], Field(min_length=2), AfterValidator(numbers_in_order)
    ] = (0, 1, 2, 5, 10, 20)
    """How hard; 0 is the agent as it is and must be among them."""
    tasks: Count = 14
    """Harmful tasks of the parts search and dev, and as many benign ones; never of test."""
    episodes: Count = 7
    """So many of the benign ones are played to their end."""
    layers: Layers | None = None
    """Where it is added; 20, 22, 24, 26 and 28 of 32, scaled to the model, where not given."""
    unit: Annotated[float, Field(gt=0, le=10**9)] = 0.01
    """Length of what coefficient 1 adds at each layer, as a share of the mean length of the last
    token's state there."""

    @field_validator("coefficients")
    @classmethod
    def _has_zero(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if 0 not in value or len(set(value)) < len(value):
            raise ValueError("0 must be among them, and none may stand here twice")
        return value

    @field_validator("layers")
    @classmethod
    def _has_block(cls, value: tuple[float, ...] | None) -> tuple[float, ...] | None:
        if value and 0 in value:
            raise ValueError("the embeddings (0) are not steered; the first block is 1")
        return value


class Probe(Model):
    """Logistic probes on an agent's states, what they say behind guards, and steering."""

    layers: Layers | None = None
    """Hidden states (0 are the embeddings) or fractions of the depth. Where not given: 20, 22 and
    24 of 32, scaled to the model, and a sweep of eighths."""
    headline: Layer | None = None
    """The layer whose figures are told, fixed beforehand; 22 of 32 where not given."""
    guards: Names | None = None
    """Guards behind which the last token is read; the agent's where not given."""
    folds: Annotated[int, Field(ge=2, le=1000)] = 5
    shuffles: Few = 5
    """How often the labels are shuffled."""
    seed: Seed = 0
    steering: Steering | None = Steering()
    """``null`` switches it off."""
