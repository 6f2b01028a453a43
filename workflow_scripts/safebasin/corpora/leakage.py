"""The check that nothing in one part of a split is said in another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from safebasin.corpora.near_duplicates import normalised
from safebasin.corpora.words import is_clear
from safebasin.errors import DamagedInput

if TYPE_CHECKING:
    from safebasin.corpora.near_duplicates import Pairs, TextVectors
    from safebasin.store.canonical import Json


UNCLEAR = "cannot tell"
"""Stands for the number of near-duplicates where both parts have rows without any words to compare:
signs only, or one long run of letters without blanks."""


def check_leakage(
    texts: Sequence[str],
    ids: Sequence[str],
    keys: Sequence[str | None],
    parts: Sequence[str | None],
    groups: Sequence[int],
    vectors: TextVectors,
    similarity: float,
) -> dict[str, Json]:
    """Return what was found between every two parts, as ``leakage.json`` holds it.

    The cosines are computed anew between the rows that were kept; groups are not relied on.

    Args:
        texts: what each row says; the next four have one entry per row too.
        ids: unique where rows differ.
        keys: the user's group key, or None.
        parts: None where the row was left out.
        groups: as the rows were placed by.
        vectors: of the same texts.
        similarity: the cosine from which two rows are near-duplicates.

    Raises:
        DamagedInput: two parts share an id, a text, a key, a group or near-duplicates. This is
            a defect of the split, and nothing may be built on it.
    """
    rows_of = {
        name: np.array([row for row, part in enumerate(parts) if part == name], dtype=np.int64)
        for name in sorted({part for part in parts if part is not None})
    }
    crossing = _crossing(parts, vectors.pairs_over(similarity))
    unclear = {part for part, text in zip(parts, texts, strict=True) if not is_clear(text.lower())}
    words = [normalised(text) for text in texts]
    between: dict[str, dict[str, Json]] = {}
    for (one, first), (other, second) in combinations(rows_of.items(), 2):
        between[f"{one}/{other}"] = {
            "largest_similarity": round(vectors.largest_between(first, second), 6),
            "near_duplicate_pairs": (
                UNCLEAR
                if {one, other} <= unclear and not crossing[one, other]
                else crossing[one, other]
            ),
            "shared_ids": _shared(ids, first, second),
            "shared_texts": _shared(words, first, second),
            "shared_keys": _shared(keys, first, second),
            "shared_groups": _shared(groups, first, second),
        }
    _refuse(between)
    return {"similarity": similarity, "between": between}


def _crossing(parts: Sequence[str | None], near: Pairs) -> Counter[tuple[str, str]]:
    """Return how many near-duplicate pairs each two parts, in name order, have."""
    found: Counter[tuple[str, str]] = Counter()
    for left, right in zip(near.left.tolist(), near.right.tolist(), strict=True):
        one, other = parts[left], parts[right]
        if one is not None and other is not None:
            found[min(one, other), max(one, other)] += 1
    return found


def _shared(
    values: Sequence[str | None] | Sequence[int],
    first: np.ndarray[tuple[int], np.dtype[np.int64]],
    second: np.ndarray[tuple[int], np.dtype[np.int64]],
) -> int:
    one, other = ({values[int(row)] for row in rows} for rows in (first, second))
    return len((one & other) - {None})


def _refuse(between: Mapping[str, Mapping[str, Json]]) -> None:
    for pair, found in between.items():
        for what, count in found.items():
            if what != "largest_similarity" and count and count != UNCLEAR:
                raise DamagedInput(f"split: {pair} have {count} {what.replace('_', ' ')}")
