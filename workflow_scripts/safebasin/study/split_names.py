"""What a split is called where rows are drawn from it: after what it holds, not by its own name.

Draws are seeded with a name of the split, so that no two splits are shuffled alike. Its key in a
study only names it: whoever gives it another must not get other rows for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

from safebasin.store.canonical import Json, canonical_json, digest_of
from safebasin.study.checkpoints import MixturePart
from safebasin.study.config import Study

_MARK = 6
"""Hex digits that tell apart splits of one mixture that hold the same corpora."""


def drawn_names(study: Study, splits: Iterable[str]) -> dict[str, str]:
    """Return the key of each split of one mixture to what it is called in it."""
    called = {split: _called(study, split) for split in dict.fromkeys(splits)}
    marks = {split: _mark(study, split) for split in called}
    shared = {
        name: {marks[split] for split, other in called.items() if other == name}
        for name in called.values()
    }
    return {
        split: name if len(shared[name]) == 1 else f"{name} {marks[split]}"
        for split, name in called.items()
    }


def rows_in_order(study: Study, parts: Sequence[MixturePart]) -> list[MixturePart]:
    """Return the parts of a mixture, which is shuffled: safety rows first and the task's last."""
    called = drawn_names(study, (part.split for part in parts))

    def place(part: MixturePart) -> tuple[bool, bool, bytes]:
        told = canonical_json(part.model_dump() | {"split": called[part.split]})
        return part.source == "task", part.source != "safety", told

    return sorted(parts, key=place)


def _called(study: Study, split: str) -> str:
    """Return the name of its one corpus, the words that all begin with, or what they are."""
    corpora = sorted(set(study.splits[split].corpora))
    if len(corpora) == 1:
        return corpora[0]
    words = zip(*(corpus.split(" ") for corpus in corpora), strict=False)
    shared: list[str] = []
    for first, *others in words:
        if any(other != first for other in others):
            break
        shared.append(first)
    if shared:
        return " ".join(shared)
    is_harmful = all(study.corpora[corpus].harmful for corpus in corpora)
    return "harmful" if is_harmful else "everything"


def _mark(study: Study, split: str) -> str:
    config = study.splits[split]
    told = config.model_dump() | {"corpora": sorted(set(config.corpora))}
    return digest_of(cast("Json", told))[:_MARK]
