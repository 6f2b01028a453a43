"""The shapes of a decoder's matrices, as its ``config.json`` tells them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Shapes:
    """What decides the shapes of the linear layers of a Llama-like decoder."""

    architecture: str
    hidden: int
    intermediate: int
    layers: int
    queries: int
    """Width of all query heads together."""
    keys: int
    """Width of all key heads together, and of all value heads."""

    def matrix(self, target: str) -> tuple[int, int] | None:
        """Return (out, in) of one layer's matrix, or None where the name is another."""
        table = {
            "q_proj": (self.queries, self.hidden),
            "k_proj": (self.keys, self.hidden),
            "v_proj": (self.keys, self.hidden),
            "o_proj": (self.hidden, self.queries),
            "gate_proj": (self.intermediate, self.hidden),
            "up_proj": (self.intermediate, self.hidden),
            "down_proj": (self.hidden, self.intermediate),
        }
        return table.get(target)

    def numbers(self, targets: tuple[str, ...]) -> int:
        """Return how many numbers the named matrices of all layers hold."""
        sizes = [self.matrix(target) for target in targets]
        return self.layers * sum(out * into for out, into in filter(None, sizes))

    def adapter_numbers(self, targets: tuple[str, ...], rank: int) -> int:
        """Return how many numbers an adapter of ``rank`` on the named matrices holds."""
        sizes = [self.matrix(target) for target in targets]
        return self.layers * rank * sum(out + into for out, into in filter(None, sizes))


def shapes_of(config: Mapping[str, Any]) -> Shapes | None:
    """Return the shapes that a ``config.json`` tells, or None where it tells them otherwise."""
    try:
        hidden, heads = int(config["hidden_size"]), int(config["num_attention_heads"])
        width = int(config.get("head_dim") or hidden // heads)
        return Shapes(
            architecture=str(config.get("model_type", "")),
            hidden=hidden,
            intermediate=int(config["intermediate_size"]),
            layers=int(config["num_hidden_layers"]),
            queries=heads * width,
            keys=int(config.get("num_key_value_heads") or heads) * width,
        )
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
