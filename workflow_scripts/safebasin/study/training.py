"""Config of adapters and of training."""

from __future__ import annotations

from math import ceil
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from safebasin.study.base import LARGEST, Count, Seed
from safebasin.study.orders import Targets


class _Model(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True
    )


Positive = Annotated[float, Field(gt=0, le=10**9)]
Passes = Annotated[float, Field(gt=0, le=1000)]
Warmup = Annotated[int, Field(ge=0, le=LARGEST)]
Decay = Annotated[float, Field(ge=0, le=10**9)]

_LENGTH = {"steps", "epochs"}
_RATE = {"schedule", "decay", "decay_every"}


class Lora(_Model):
    """The adapter: ΔW = (alpha / rank) · B · A."""

    rank: Count = 8
    alpha: Positive = 16
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    targets: Annotated[Targets, Field(min_length=1)]
    """Names of the linear layers that get an adapter, such as q_proj."""


Schedule = Literal["constant", "linear", "cosine", "step"]
Factor = Annotated[float, Field(gt=0, lt=1)]


def _check_decay(run: _Run | TrainingOverride) -> None:
    if (run.schedule == "step") != (run.decay is not None):
        raise ValueError("`schedule: step` and `decay`, its factor, go together")
    if run.decay_every is not None and run.schedule != "step":
        raise ValueError("`decay_every` goes with `schedule: step`")


class _Run(_Model):
    """What a training run is but for its length."""

    learning_rate: Positive
    order: Literal["shuffled", "file"] = "shuffled"
    """Rows are shuffled anew for each pass over them, or taken as the mixture has them, in every
    pass alike (as in the code of AsFT's authors)."""
    schedule: Schedule = "constant"
    decay: Factor | None = None
    """What ``schedule: step`` multiplies the rate with, again and again."""
    decay_every: Count | None = None
    """After how many steps it does so; runs of the grid do after each pass over their rows."""
    warmup: Warmup = 0
    """Steps over which the rate rises to ``learning_rate``."""
    batch_size: Count = 8
    """Rows per optimizer step."""
    micro_batch: Count | None = None
    """Rows per pass; the batch size where it is not given."""
    max_length: Count = 256
    """Tokens of prompt and answer together; longer rows are cut and counted."""
    padding: Literal["none", "max_length"] = "none"
    """Rows are fed without padding, or each filled up to ``max_length`` tokens (as in the code of
    AsFT's authors). No answer's loss sees the filling, so it changes cost alone."""
    precision: Literal["float32", "bfloat16"] = "float32"
    clip: Positive | None = None
    """Largest norm of the gradient."""
    weight_decay: Decay = 0.0
    seed: Seed | None = None
    """Only for ``align``; runs of the grid take the grid's seed."""

    @model_validator(mode="after")
    def _decay_of_steps(self) -> Self:
        _check_decay(self)
        return self


class Training(_Run):
    """One training run, in optimizer steps."""

    steps: Count

    @model_validator(mode="after")
    def _step_of_decay(self) -> Self:
        if self.schedule == "step" and self.decay_every is None:
            raise ValueError("`schedule: step` needs `decay_every` here")
        return self


class TrainingOverride(_Model):
    """What a method changes of the study's training."""

    learning_rate: Positive | None = None
    schedule: Schedule | None = None
    decay: Factor | None = None
    decay_every: Count | None = None
    warmup: Warmup | None = None
    steps: Count | None = None
    epochs: Passes | None = None
    batch_size: Count | None = None
    micro_batch: Count | None = None
    max_length: Count | None = None
    clip: Positive | None = None
    weight_decay: Decay | None = None

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if self.steps is not None and self.epochs is not None:
            raise ValueError("say `steps` or `epochs`, not both")
        return self

    @model_validator(mode="after")
    def _decay_of_steps(self) -> Self:
        _check_decay(self)
        return self


class GridTraining(_Run):
    """The runs of the grid: each of so many steps, or so many passes over its own rows."""

    steps: Count | None = None
    """Optimizer steps, whatever the number of rows."""
    epochs: Passes | None = None
    """Passes over the rows of a run, its harmful ones among them."""

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if (self.steps is None) == (self.epochs is None):
            raise ValueError(
                "say one of `steps` and `epochs` (`steps: null` takes out what a file below says)"
            )
        return self

    def changed(self, override: TrainingOverride | None) -> GridTraining:
        """Return the training with what a method changes of it."""
        told = override.model_dump(exclude_none=True) if override else {}
        replaced = {key for keys in (_LENGTH, _RATE) if keys & told.keys() for key in keys}
        return GridTraining(**(self.model_dump(exclude=replaced) | told))

    def over(self, rows: int) -> Training:
        """Return the run over so many rows; a part of a batch is a step of its own."""
        told = self.model_dump(exclude=_LENGTH)
        if self.schedule == "step":
            told["decay_every"] = self.decay_every or ceil(rows / self.batch_size)
        steps = self.steps or ceil((self.epochs or 0) * rows / self.batch_size)
        return Training(**told, steps=steps)
