"""A small model of the same make as a large one, from its config alone.

Whatever decides how a model reads its tokens stays: kinds of layers and their order, heads that
share keys, rotary settings, norms, scaling, routers. Widths, layers, heads and vocabulary shrink,
and windows become so short that a few tokens fill them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

VOCABULARY = 160
WINDOW = 12
"""Tokens that a layer with a window looks back."""
_WIDTH = 64
_KEY_HEADS = 2
_SHARING = 3
"""Heads that share a key head, where some do."""
_EXPERTS = 4
_MOST_KINDS = 4
"""More values than that in a list of one per layer are no kinds of layers."""
_WIDTHS = ("intermediate_size", "ffn_dim", "ffn_hidden_size", "n_inner", "d_ff")
_CHOSEN_EXPERTS = ("num_experts_per_tok", "moe_topk", "moe_k", "top_k_experts", "topk_group")
_KEYS_OF_HEADS = ("num_key_value_heads", "num_kv_heads", "n_head_kv")


def shrunken(config: Any, *, boldly: bool) -> Any:
    """Return the config of a small model of the same make.

    Args:
        config: That of the model; it has ``num_hidden_layers``.
        boldly: Whether there are fewer heads and experts too, and the model is narrower with the
            heads, which not every make allows.

    Raises:
        Exception: whatever the config's own class raises where it does not fit together.
    """
    told = dict(config.to_dict())
    told |= _fewer_layers(config, told)
    if boldly:
        told |= _fewer_heads(config, told) | _fewer_experts(told)
    return type(config).from_dict(told | _narrower(told))


def _fewer_layers(config: Any, told: Mapping[str, Any]) -> dict[str, Any]:
    """Return the first layers' settings: two of them, or as many as show every kind."""
    depth = int(config.num_hidden_layers)
    lists = {
        key: value for key, value in told.items() if isinstance(value, list) and len(value) == depth
    }
    kept = 2 + int(told.get("first_k_dense_replace") or 0)  # one layer behind those, of experts
    for value in lists.values():
        kinds = [json.dumps(each, default=str) for each in value]
        if len(set(kinds)) <= _MOST_KINDS:
            kept = max(kept, *(kinds.index(kind) + 1 for kind in kinds))
    kept = min(kept, depth)
    own = {
        key: {at: each for at, each in value.items() if int(at) < kept}
        for key, value in told.items()
        if isinstance(value, dict) and value and all(str(at).isdecimal() for at in value)
    }
    name = config.attribute_map.get("num_hidden_layers", "num_hidden_layers")
    first = {key: value[:kept] for key, value in lists.items()}
    return {**own, **first, name: kept}


def _fewer_heads(config: Any, told: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings of fewer heads of the same size; those that shared keys still do."""
    names = [
        config.attribute_map.get(name, name) for name in ("num_attention_heads", "hidden_size")
    ]
    heads, width = (told.get(name) for name in names)
    if not (isinstance(heads, int) and isinstance(width, int)):
        return {}
    size = told.get("head_dim") if width % heads else width // heads
    if not isinstance(size, int):
        return {}
    of_keys = next((key for key in _KEYS_OF_HEADS if isinstance(told.get(key), int)), None)
    keys = int(told[of_keys]) if of_keys else heads
    if heads % keys:
        return {}
    fewer = min(keys, _KEY_HEADS)
    some = fewer * min(heads // keys, _SHARING)
    small = {names[0]: some, names[1]: size * some}
    if told.get("word_embed_proj_dim") == width:
        small["word_embed_proj_dim"] = small[names[1]]
    return small | ({of_keys: fewer} if of_keys else {})


def _fewer_experts(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return a smaller number of experts, twice those that a token is sent to."""
    if int(told.get("n_group") or 1) > 1:
        return {}
    chosen = max([int(told[key]) for key in _CHOSEN_EXPERTS if told.get(key)], default=1)
    return {
        key: min(value, max(_EXPERTS, 2 * chosen))
        for key, value in told.items()
        if key.endswith(("num_experts", "num_local_experts", "n_routed_experts"))
        and isinstance(value, int)
    }


def _narrower(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return smaller numbers for vocabulary, feed-forward parts and windows."""
    small: dict[str, Any] = {}
    for key, value in told.items():
        if not isinstance(value, int) or isinstance(value, bool):
            continue
        if key.startswith("vocab_size"):
            small[key] = min(value, VOCABULARY)
        elif key.endswith("_token_id"):
            small[key] = 0 if key == "pad_token_id" else 1
        elif "window" in key or key == "attention_chunk_size":
            small[key] = min(value, WINDOW)
        elif key.endswith(_WIDTHS):
            small[key] = min(value, _WIDTH)
    return small
