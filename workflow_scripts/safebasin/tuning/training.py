"""The settings of one training run, as they stand in a spec."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Schedule = Literal["constant", "linear", "cosine", "step"]
Order = Literal["shuffled", "file"]
Padding = Literal["none", "max_length"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """One training run, in optimizer steps."""

    learning_rate: float
    steps: int
    order: Order = "shuffled"
    """Rows are shuffled anew for each pass, or taken as the mixture has them, every pass alike."""
    schedule: Schedule = "constant"
    decay: float | None = None
    """Factor on the rate after every ``decay_every`` steps of the schedule ``step``."""
    decay_every: int | None = None
    warmup: int = 0
    """Steps over which the rate rises to ``learning_rate``."""
    batch_size: int = 8
    """Rows per optimizer step."""
    micro_batch: int | None = None
    """Rows per pass; the batch size where it is not given."""
    max_length: int = 256
    """Tokens of prompt and answer together; longer rows are cut and counted."""
    padding: Padding = "none"
    """Rows are fed as they are, or each filled up to ``max_length``, which changes cost alone."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Of the frozen weights and of the products; what is trained is always fp32."""
    clip: float | None = None
    """Largest norm of the gradient."""
    weight_decay: float = 0.0
    seed: int = 0

    @property
    def rows_per_pass(self) -> int:
        """Rows that share one forward and backward pass."""
        return min(self.micro_batch or self.batch_size, self.batch_size)

    @property
    def padded_to(self) -> int:
        """Tokens that each row is filled up to; 0 where there is no padding."""
        return self.max_length if self.padding == "max_length" else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lora:
    """The adapter: W becomes W + (alpha / rank) B A."""

    rank: int
    alpha: float
    targets: list[str]
    """Names of the linear layers that get an adapter, such as ``q_proj``."""
    dropout: float = 0.0
