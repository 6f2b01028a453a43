"""Which rows say nearly the same: TF-IDF cosine, and groups that are linked by it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from safebasin.corpora.words import words_of

_CELLS = 1 << 23
"""Cosines held at once: about 100 MB."""
_ROUNDING = 1e-9
"""Two equal texts have a cosine of 1 up to rounding; a threshold of 1 must still find them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Pairs of texts, each once, with ``left < right``."""

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    similarity: NDArray[np.float64]


class TextVectors:
    """Unit TF-IDF vectors of texts: counts of words (or of n-grams, where text has no blanks) times
    log inverse document frequency.

    The frequencies are those of all the texts given, so that a check of some of the rows uses
    the measure that the rows were grouped by.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer

        vectorizer = TfidfVectorizer(tokenizer=words_of, token_pattern=None, dtype=np.float64)
        self._count = len(texts)
        has_words = any(words_of(text) for text in texts)
        self._matrix: Any = vectorizer.fit_transform(texts) if has_words else None

    def pairs_over(self, similarity: float) -> Pairs:
        """Return all pairs of texts whose cosine is at least ``similarity`` (0 to 1)."""
        empty = np.zeros(0, dtype=np.int64)
        found = [(empty, empty, np.zeros(0))]
        block = max(1, _CELLS // max(self._count, 1))
        for start in range(0, self._count if self._matrix is not None else 0, block):
            product = (self._matrix[start : start + block] @ self._matrix.T).tocoo()
            left, right = product.row.astype(np.int64) + start, product.col.astype(np.int64)
            kept = (product.data >= similarity - _ROUNDING) & (left < right)
            found.append((left[kept], right[kept], product.data[kept]))
        left, right, value = (np.concatenate(parts) for parts in zip(*found, strict=True))
        order = np.lexsort((right, left))
        return Pairs(left=left[order], right=right[order], similarity=value[order])

    def largest_between(self, some: NDArray[np.int64], others: NDArray[np.int64]) -> float:
        """Return the largest cosine between a text of ``some`` and one of ``others``."""
        if self._matrix is None or not len(some) or not len(others):
            return 0.0
        opposite = self._matrix[others].T.tocsc()
        largest = 0.0
        block = max(1, _CELLS // len(others))
        for start in range(0, len(some), block):
            product = self._matrix[some[start : start + block]] @ opposite
            largest = max(largest, float(product.max()) if product.nnz else 0.0)
        return min(largest, 1.0)


def linked_groups(count: int, left: Sequence[int], right: Sequence[int]) -> NDArray[np.int64]:
    """Return a group number per row: rows joined by any chain of pairs share it.

    Groups are numbered by their first row, so equal input gives equal numbers.
    """
    parent = list(range(count))

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    for one, other in zip(left, right, strict=True):
        parent[root(int(other))] = root(int(one))
    numbers: dict[int, int] = {}
    return np.array([numbers.setdefault(root(row), len(numbers)) for row in range(count)], np.int64)


def normalised(text: str) -> str:
    """Return ``text`` in lower case with only its words, for finding equal texts."""
    kept = "".join(sign if sign.isalnum() else " " for sign in text.casefold())
    return " ".join(kept.split())


def chain_equal(keys: Sequence[str | None]) -> tuple[list[int], list[int]]:
    """Return pairs that link each row to the first row of an equal key; None links nothing."""
    first: dict[str, int] = {}
    left, right = [], []
    for row, key in enumerate(keys):
        if key is None:
            continue
        before = first.setdefault(key, row)
        if before != row:
            left.append(before)
            right.append(row)
    return left, right
