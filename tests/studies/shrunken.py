"""A study of this project with its graph as it is and everything in it small.

The model is a tiny random Llama, trainings take a few steps, agents a few tasks: what is left is
every rule, method, guard and table of the study, so that hours of a real run do not end in an error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

TINY = {"hidden": 64, "layers": 2, "heads": 4, "vocabulary": 512, "seed": 0}
PROBE = {"layers": [0, 1, 2], "headline": 1, "folds": 2, "shuffles": 1}
STEERING = {"tasks": 2, "episodes": 1, "coefficients": [0, 10], "layers": [1]}


def shrunken(study: Mapping[str, Any]) -> dict[str, Any]:
    """Return the merged study ``study`` at its smallest."""
    small: dict[str, Any] = _shrink(study)
    for name, checkpoint in small["checkpoints"].items():
        if "align" not in checkpoint:
            small["checkpoints"][name] = {"tiny": TINY, "label": "tiny random Llama"}
    return small | {"meaningless": True}


def _shrink(value: Any, key: str = "") -> Any:
    if key in _SMALL and value is not None:
        return _SMALL[key](value)
    if isinstance(value, Mapping):
        return {name: _shrink(each, str(name)) for name, each in value.items()}
    if isinstance(value, list):
        return [_shrink(each) for each in value]
    return value


def _training(training: Any) -> Any:
    small = {"steps": 4, "warmup": 1, "batch_size": 2, "max_length": 512}
    return {**training, **{name: each for name, each in small.items() if _fits(name, training)}}


def _fits(name: str, training: Mapping[str, Any]) -> bool:
    return name != "warmup" or "warmup" in training


def _demonstrations(all_of_them: Any) -> Any:
    return {
        name: {**one, "rows": [{**row, "rows": 4} for row in one["rows"]]}
        for name, one in all_of_them.items()
    }


def _tasks(tasks: Any) -> Any:
    if isinstance(tasks, int):
        return 2
    counted = {"harmful", "benign", "lookalike"}
    return dict.fromkeys(tasks, 2) if set(tasks) <= counted else _shrink(tasks)


_SMALL: dict[str, Callable[[Any], Any]] = {
    "training": _training,
    "layers": lambda layers: 1,
    "stop": lambda stop: {**stop, "every": 2, "tasks": 2, "max_new_tokens": 4},
    "max_new_tokens": lambda tokens: min(tokens, 4),
    "searches": lambda searches: {
        name: {**one, "candidates": 2, "rounds": 2, "tasks": 2} for name, one in searches.items()
    },
    "demonstrations": lambda value: value if isinstance(value, str) else _demonstrations(value),
    "tasks": _tasks,
    "probe": lambda probe: {**PROBE, "steering": STEERING},
    "seeds": lambda seeds: seeds[:2],
    "search_seeds": lambda seeds: seeds[:2],
    "draws": lambda draws: min(draws, 2),
}
