"""What a job takes: memory of its model and batch, GPUs, and what it asks a scheduler for."""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import Any, cast

from safebasin.study.graph import Node

LIBRARIES = 2048
"""MiB that Python and the libraries take, whatever the model."""

TRAINED = 16
"""Bytes per parameter that is trained in full: fp32 weight, gradient and AdamW's two moments."""
IN_FULL = ("align_checkpoint", "tune_checkpoint")
STREAMED = 0.4
"""Bytes per parameter of what goes matrix by matrix: a few matrices in fp32."""
BY_MATRIX = ("extract_direction", "measure_adapter", "project_adapter")
LOADED = 8
"""Bytes per parameter that a host needs at least to load a model, in whatever precision it is
run: two fp32 copies of the weights."""

ACTIVATIONS = 17
"""Numbers kept per token, layer and unit of width for the backward pass: 34 bytes at 16 bits
(Korthikanti et al. 2022, arXiv 2205.05198, without the attention matrix)."""
LAYERS = 32
BLOCK = 12
"""Parameters of a layer, in squares of its width: four of attention, eight behind it."""

ANCHOR = 4
"""Bytes of a number of AsFT's anchors: they are fp32, whatever the model runs in."""
ANCHORS = {"gate_proj": 8 / 3, "up_proj": 8 / 3} | dict.fromkeys(
    ("q_proj", "k_proj", "v_proj", "o_proj", "out_proj", "down_proj"), 1.0
)
"""Numbers of a matrix's anchor in squares of the width: d_out times the smaller side."""
ANCHOR_AT_MOST = 4.0
"""Those of a matrix that another family calls otherwise: no layer has a larger one."""

CACHE_ROOM = 1.25
"""Tokens that a cache has room for, to each that it holds (``models.growing_cache``)."""
PROMPT, HISTORY = 256, 1024
"""Tokens of a prompt or a page, and of all that an agent has seen: a spec does not tell them."""

PER_HOUR_ON_CPU, PER_HOUR_ON_GPU = 1e12, 2e13
"""Parameters times sequences in an hour."""

GPUS_OF_A_MACHINE = 8
"""The most that a job asks for: its model is spread over the GPUs of one machine."""
FILLED = 0.9
"""Share of its GPUs' memory that a spread model can fill: a layer is not cut in two."""

GROWTH = 1.6
"""How much more each further attempt asks for; a job that timed out resumes besides."""


def model_bytes(node: Node) -> int:
    """Return about what a job's model and batch take where it computes, on a GPU or a CPU.

    Weights, training states, anchors, and of activations and cache the larger. Width times depth
    is told from the number of parameters, as 12 · layers · width² with 32 layers; a third more or
    less is to be expected.
    """
    training = cast("Mapping[str, Any]", node.spec.params.get("training") or {})
    width = _width(node, training)
    weights = _bytes_per_parameter(node.rule, width) * node.parameters
    kept = _cached_tokens(node.spec.params) * cache_bytes(node.parameters, width)
    if training:
        tokens = int(training["micro_batch"]) * int(training["max_length"])
        kept = max(kept, ACTIVATIONS * width * tokens * _units(node.parameters))
    return int(weights + anchor_bytes(node) + kept)


def cache_bytes(parameters: int, width: int) -> float:
    """Return the bytes of one token's keys and values, as if every head had its own.

    Where heads share theirs it takes 2 to 8 times less; how many do, no spec tells.
    """
    return 2 * width * _units(parameters)


def anchor_bytes(node: Node) -> float:
    """Return about the bytes of a method's anchors, which AsFT keeps for every matrix it adapts."""
    method = cast("Mapping[str, Any]", node.spec.params.get("method") or {})
    projector = method.get("projector", "reference")
    if "direction" not in node.spec.inputs or not method or projector == "none":
        return 0.0
    targets = cast("Mapping[str, Any]", node.spec.params["lora"])["targets"]
    squares = sum(ANCHORS.get(str(target).split(".")[-1], ANCHOR_AT_MOST) for target in targets)
    if projector == "spectral":  # rank columns, in the place of as many as the width
        squares *= min(1.0, int(method["rank"]) * LAYERS / max(_units(node.parameters), 1.0))
    return ANCHOR * node.parameters * min(1.0, squares / BLOCK)


def gpus(node: Node, each: float, most: int = GPUS_OF_A_MACHINE) -> int:
    """Return how many GPUs a job that runs a model asks for: as few as hold it, or all.

    Every such step loads its models by ``models.load``, which spreads them over what is granted.

    Args:
        node: the job.
        each: bytes of memory of one GPU.
        most: GPUs that there are.
    """
    needed = model_bytes(node)
    return next((count for count in range(1, most) if needed <= gpu_room(count, each)), most)


def gpu_room(count: int, each: float) -> float:
    """Return the bytes that a job has on ``count`` GPUs of ``each`` bytes."""
    return each if count == 1 else FILLED * count * each


def memory(node: Node, attempt: int) -> int:
    """Return the MiB to ask for: libraries, and room to load the model and to compute with it."""
    loaded = 0 if node.rule in (*IN_FULL, *BY_MATRIX) else LOADED * node.parameters
    needed = max(model_bytes(node), loaded)
    return round((LIBRARIES + needed / 2**20) * _growth(attempt))


def minutes(node: Node, attempt: int, device: str) -> int:
    """Return the minutes to ask for, generous: 20, reading the weights, and the sequences.

    Args:
        node: the job.
        attempt: 1, and one more after each failure.
        device: ``cpu`` where the machine is told to compute there, else a GPU is reckoned with.
    """
    reading = 10 * node.parameters / 1e9
    speed = PER_HOUR_ON_CPU if device == "cpu" else PER_HOUR_ON_GPU
    working = 60 * node.work * node.parameters / speed
    return round((20 + reading + working) * _growth(attempt))


def _width(node: Node, training: Mapping[str, Any]) -> int:
    """Return the bytes of one number in the precision that the job computes in."""
    settings = {**node.spec.params, **training}
    return 2 if settings.get("precision") == "bfloat16" else 4


def _units(parameters: int) -> float:
    """Return about the width of a model, times its layers."""
    return sqrt(parameters * LAYERS / BLOCK)


def _cached_tokens(params: Mapping[str, Any]) -> float:
    """Return for how many tokens a job that generates has keys and values at once."""
    asked: Mapping[str, Any] = params.get("rollout") or params.get("stop") or params
    rows = int(asked.get("batch_size") or asked.get("tasks") or 0)  # a stop rule asks all at once
    if "max_new_tokens" not in asked:
        return 0.0
    read = HISTORY if asked.get("history") else PROMPT
    return CACHE_ROOM * rows * (read + int(asked["max_new_tokens"]))


def _bytes_per_parameter(rule: str, width: int) -> float:
    if rule in BY_MATRIX:
        return STREAMED
    if rule not in IN_FULL:
        return width
    # What is trained is fp32 and takes the place of what was loaded; bf16 products cast it.
    return TRAINED if width == 4 else TRAINED + width


def _growth(attempt: int) -> float:
    return GROWTH ** (attempt - 1)
