"""Config of adapters and of training."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class _Model(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True
    )


Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]


class Lora(_Model):
    """The adapter: ΔW = (alpha / rank) · B · A."""

    rank: Count = 8
    alpha: Positive = 16
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    targets: Annotated[tuple[str, ...], Field(min_length=1)]
    """Names of the linear layers that get an adapter, such as q_proj."""


class Training(_Model):
    """One training run, in optimizer steps."""

    learning_rate: Positive
    order: Literal["shuffled", "file"] = "shuffled"
    """Rows are shuffled anew for each pass over them, or taken as the mixture has them, in every
    pass alike (as in the code of AsFT's authors)."""
    schedule: Literal["constant", "linear", "cosine"] = "constant"
    warmup: Annotated[int, Field(ge=0)] = 0
    """Steps over which the rate rises to ``learning_rate``."""
    steps: Count
    batch_size: Count = 8
    """Rows per optimizer step."""
    micro_batch: Count | None = None
    """Rows per pass; the batch size where it is not given."""
    max_length: Count = 256
    """Tokens of prompt and answer together; longer rows are cut and counted."""
    precision: Literal["float32", "bfloat16"] = "float32"
    clip: Positive | None = None
    """Largest norm of the gradient."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    seed: int | None = None
    """Only for ``align``; runs of the grid take the grid's seed."""


class TrainingOverride(_Model):
    """What a method changes of the study's training."""

    learning_rate: Positive | None = None
    schedule: Literal["constant", "linear", "cosine"] | None = None
    warmup: Annotated[int, Field(ge=0)] | None = None
    steps: Count | None = None
    batch_size: Count | None = None
    micro_batch: Count | None = None
    max_length: Count | None = None
    clip: Positive | None = None
    weight_decay: Annotated[float, Field(ge=0)] | None = None
