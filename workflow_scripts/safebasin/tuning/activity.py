"""What a training run really did, and the error that is raised when its defence did nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

from safebasin.errors import DefenceOff
from safebasin.models.checkpoint_files import CheckpointFiles
from safebasin.models.targets import names_it
from safebasin.store.canonical import Json
from safebasin.tuning.objectives.objective import Coverage, LoraPair, Objective
from safebasin.tuning.resume import Record

_LONGEST_LIST = 5


def check_all_named(
    files: CheckpointFiles, targets: Sequence[str], pairs: Sequence[LoraPair]
) -> None:
    """Raise where a target also names tensors of the checkpoint that carry no adapter.

    Raises:
        DefenceOff: it does; the first such tensors are named.
    """
    adapted = {pair.name for pair in pairs}
    adapted |= {name.split(".", 1)[1] for name in adapted}  # a file may leave the first word out
    named = [
        name
        for name in files.names()
        if len(files.stored(name).shape) > 1
        and any(names_it(target, name.removesuffix(".weight")) for target in targets)
    ]
    if bare := [name for name in named if name not in adapted]:
        shown = ", ".join(bare[:_LONGEST_LIST])
        more = f" and {len(bare) - _LONGEST_LIST} more" if len(bare) > _LONGEST_LIST else ""
        raise DefenceOff(
            f"lora.targets name {len(named)} matrices of the checkpoint, and {len(bare)} of them "
            f"carry no adapter: {shown}{more}; name layers that are linear everywhere, as those of "
            "attention are where experts are fused"
        )


def check_coverage(method: str, coverage: Coverage) -> None:
    """Raise before the first step where a method acts on fewer matrices than it should.

    Raises:
        DefenceOff: it does; the first missing matrices are named.
    """
    if coverage.covered < coverage.expected or coverage.missing:
        named = ", ".join(coverage.missing[:_LONGEST_LIST])
        more = len(coverage.missing) - _LONGEST_LIST
        raise DefenceOff(
            f"method {method} covers {coverage.covered} of {coverage.expected} adapted matrices; "
            f"missing: {named}{f' and {more} more' if more > 0 else ''}. The direction must hold "
            "every target of the adapter: extract it with the same targets"
        )


def check_trace(
    method: str, objective: Objective, record: Record, pairs: Sequence[LoraPair]
) -> None:
    """Raise after the last step where the run left no adapter, or the method no trace.

    Raises:
        DefenceOff: B A is 0 in every matrix, or the method is not plain fine-tuning and yet
            reported nothing but zeros, chose no source and left the backward pass as it is.
    """
    if not any(bool(pair.a.any()) and bool(pair.b.any()) for pair in pairs):
        raise DefenceOff(f"method {method}: after {record.step} steps the adapter is still 0")
    if method == "sft":
        return
    chooses = any(stream for stream in record.taken)
    changes_backward = type(objective).backward is not Objective.backward
    if not (chooses or changes_backward or _own_figures(record)):
        raise DefenceOff(
            f"method {method} left no trace in {record.step} steps: no figure of it was ever "
            "other than 0, so what was trained is plain fine-tuning under another name"
        )


def activity_of(
    method: Mapping[str, object],
    coverage: Coverage,
    record: Record,
    *,
    rows_cut: int,
    trained_values: int,
) -> dict[str, Json]:
    """Return the content of ``activity.json``: logical counts, no times.

    Args:
        method: The method's settings, as in the spec.
        coverage: What the method said that it acts on.
        record: What the loop counted.
        rows_cut: Rows of the mixture that were longer than ``max_length``.
        trained_values: Numbers that were trained.
    """
    activity: dict[str, Json] = {
        "method": str(method.get("type")),
        "expected_matrices": coverage.expected,
        "covered_matrices": coverage.covered,
        "free_matrices": len(coverage.free),
        "steps": record.step,
        "stopped_early": record.stopped,
        "rows_seen": dict(record.rows_seen),
        "rows_cut": rows_cut,
        "sources_chosen": {name: rows for name, rows in record.taken.items() if name},
        "tokens": record.tokens,
        "answer_tokens": record.answer_tokens,
        "forward_passes": record.forward_passes,
        "backward_passes": record.backward_passes,
        "trained_values": trained_values,
        "cross_entropy_first": record.history[0]["cross_entropy"],
        "cross_entropy_last": record.history[-1]["cross_entropy"],
    }
    penalties = [row["penalty"] for row in record.history if "penalty" in row]
    if penalties:
        activity |= {
            "penalty_first": penalties[0],
            "penalty_last": penalties[-1],
            "penalty_highest": max(penalties),
        }
    shares = [share for row in record.history if (share := _share(row)) is not None]
    if shares:
        activity |= {"gradient_share_mean": fmean(shares), "gradient_share_last": shares[-1]}
    return activity


LOOP_FIGURES = frozenset(
    (
        "step",
        "learning_rate",
        "cross_entropy",
        "gradient_norm",
        "task_gradient_norm",
        "answer_tokens",
    )
)
"""Columns of the history that the loop writes for every method."""


def _own_figures(record: Record) -> bool:
    """Whether the method itself ever reported something other than 0."""
    return any(
        value
        for row in record.history
        for name, value in row.items()
        if name not in LOOP_FIGURES and not name.startswith("dev_")
    )


def _share(row: Mapping[str, float]) -> float | None:
    """Return the penalty's share in the gradient, |p| / (|p| + |task|)."""
    if "penalty_gradient_norm" not in row:
        return None
    own = row["penalty_gradient_norm"]
    both = own + row["task_gradient_norm"]
    return own / both if both else 0.0
