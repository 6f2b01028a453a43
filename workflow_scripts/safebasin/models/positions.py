"""How far a model counts its tokens: beyond that one row's length would be another's numbers.

Most decoders turn their states by a token's place, at any place. One with a table of places has
none beyond it, and ends with an error that names nothing. One whose turning depends on the longest
row (dynamic, longrope) would turn all rows of a batch anew where one of them is longer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from safebasin.errors import StudyError

_BY_LENGTH = ("dynamic", "longrope")
"""Kinds of rotary places that depend on the longest row."""


def guard_positions(model: Any) -> None:
    """Have a model raise where a row is longer than it counts; most models count on for ever.

    Args:
        model: A ``PreTrainedModel``; its decoder looks at each input before it reads it.
    """
    farthest = farthest_place(model.config)
    if farthest is None:
        return

    def look(_: Any, inputs: tuple[Any, ...], named: Mapping[str, Any]) -> None:
        places = named.get("position_ids")
        length = _length(inputs, named) if places is None else int(places.max()) + 1
        if length > farthest:
            raise StudyError(
                f"a row of {length} tokens is longer than the {farthest} that a model of type "
                f"{model.config.model_type} counts rightly: shorten the texts or the answers "
                "(max_length, max_new_tokens), or take a model with more places"
            )

    model.get_decoder().register_forward_pre_hook(look, with_kwargs=True)


def farthest_place(config: Any) -> int | None:
    """Return how many tokens a row may have, or None where nothing bounds it."""
    kinds = list(_rotary(config))
    if kinds and not any(kind.get("rope_type") in _BY_LENGTH for kind in kinds):
        return None
    told = [
        getattr(config, "max_position_embeddings", None),
        getattr(config, "original_max_position_embeddings", None),
        *(kind.get("original_max_position_embeddings") for kind in kinds),
    ]
    return min((int(each) for each in told if each), default=None)


def _rotary(config: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the settings of rotary places: one, or one for each kind of layer."""
    told = getattr(config, "rope_parameters", None) or {}
    nested = [each for each in told.values() if isinstance(each, dict)]
    yield from nested or ([told] if told else [])


def _length(inputs: tuple[Any, ...], named: Mapping[str, Any]) -> int:
    tokens = named.get("input_ids", inputs[0] if inputs else None)
    cache = named.get("past_key_values")
    behind = 0 if cache is None else int(cache.get_seq_length())
    return behind + (0 if tokens is None else int(tokens.shape[1]))
