"""Part 1: what runs here, and which kernel computes attention."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from card.attention import attention_of
from card.bench import Bench
from card.figures import Note

PACKAGES = ("transformers", "peft", "accelerate", "tokenizers", "safetensors", "numpy", "pydantic")


def measure(bench: Bench, note: Note) -> None:
    """Note versions, and the kernel of each kind of work with PyTorch's choice and with ours."""
    note("versions", {name: _version(name) for name in PACKAGES})
    note("cudnn", torch.backends.cudnn.version())
    ours = torch.backends.cuda.cudnn_sdp_enabled()
    note("cudnn may compute attention", ours)
    for may, whose in ((True, "as PyTorch comes"), (ours, "in a job")):
        torch.backends.cuda.enable_cudnn_sdp(may)
        for kv_heads in (bench.shape.heads, 8, 4):
            for kind, masked in (("reading", True), ("decoding", True), ("whole rows", False)):
                chosen = attention_of(lambda: _attend(bench, kv_heads, kind, masked))  # noqa: B023
                note(f"{whose}, {kind}, {kv_heads} heads of keys", chosen)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _attend(bench: Bench, kv_heads: int, kind: str, masked: bool) -> Tensor:
    """Compute attention as transformers asks for it: of one new token, heads that share their keys
    stand in one row; else the keys are repeated.
    """
    shape, rows, keys = bench.shape, 4, bench.shape.prompt
    size, groups = shape.hidden // shape.heads, shape.heads // kv_heads
    heads, new = (kv_heads, groups) if kind == "decoding" else (shape.heads, keys)
    given = {"device": bench.device, "dtype": torch.bfloat16}
    query = torch.randn(rows, heads, new, size, **given)
    key, value = torch.randn(2, rows, heads, keys, size, **given)
    mask = None
    if masked:
        mask = torch.ones(rows, 1, new, keys, dtype=torch.bool, device=bench.device)
        mask[1:, ..., : keys // 4] = False
    return scaled_dot_product_attention(query, key, value, attn_mask=mask, is_causal=not masked)
