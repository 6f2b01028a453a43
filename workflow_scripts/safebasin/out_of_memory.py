"""What to say when a step runs out of memory: the setting to lower, and what it is now."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from safebasin.errors import MachineLacks

_TRAINING = {
    "training.micro_batch": ("training", "micro_batch"),
    "training.max_length": ("training", "max_length"),
}
_ROLLOUT = {
    "generation.batch_size": ("rollout", "batch_size"),
    "max_new_tokens": ("rollout", "max_new_tokens"),
}
LOWER: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "align_checkpoint": _TRAINING,
    "tune_adapter": _TRAINING,
    "tune_checkpoint": _TRAINING,
    "generate_responses": {
        "generation.batch_size": ("batch_size",),
        "max_new_tokens": ("max_new_tokens",),
    },
    "search_prefix": _ROLLOUT,
    "run_episodes": _ROLLOUT,
    "fit_probe": _ROLLOUT,
}
"""Step to the settings that its memory depends on, the first to lower first; of each, where its
value stands in the spec's params."""

_WORDS = ("out of memory", "can't allocate memory", "CUBLAS_STATUS_ALLOC_FAILED")
"""How libraries below torch say it, in a plain ``RuntimeError``."""


@contextmanager
def memory_watched(
    step: str, digest: str, params: Mapping[str, object], gpus: int
) -> Iterator[None]:
    """Turn the error of memory that ran out into one that names the settings to lower.

    Args:
        step: What runs.
        digest: Of what it makes.
        params: Of its spec.
        gpus: GPUs that it was granted.

    Raises:
        MachineLacks: memory, of a GPU or of the machine, ran out.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not _is_out_of_memory(error):
            raise
        cures = "; or ".join((*_settings(step, params), _more_memory(step, gpus)))
        reason = " ".join(str(error).split()) or type(error).__name__
        raise MachineLacks(
            f"{step} {digest} ran out of memory: {cures}. The shape of a batch is part of what is "
            f"made, so it is not changed by itself. ({reason})"
        ) from error


def _is_out_of_memory(error: Exception) -> bool:
    torch = sys.modules.get("torch")
    if isinstance(error, MemoryError) or (torch and isinstance(error, torch.OutOfMemoryError)):
        return True
    return any(words in str(error) for words in _WORDS)


def _settings(step: str, params: Mapping[str, object]) -> list[str]:
    """Return the advice on the step's settings, where the spec holds some."""
    now = {key: _value(params, path) for key, path in LOWER.get(step, {}).items()}
    known = [f"{key} (now {value})" for key, value in now.items() if value is not None]
    return [f"lower {', then '.join(known)}"] if known else []


def _more_memory(step: str, gpus: int) -> str:
    if gpus:
        return f"let the profile grant {step} more GPUs than {gpus}, or larger ones"
    return (
        "run fewer jobs at once, on GPUs of their own where there are some "
        "(--workflow-profile profiles/gpu)"
    )


def _value(params: object, path: tuple[str, ...]) -> object:
    for key in path:
        params = params.get(key) if isinstance(params, Mapping) else None
    return params
