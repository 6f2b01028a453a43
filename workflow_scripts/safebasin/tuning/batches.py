"""Rows of a mixture, and the endless streams that batches are taken from."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from safebasin.errors import DamagedInput, StudyError
from safebasin.models.chat import ChatFormat, TokenisedRow, cut
from safebasin.tuning.training import Order

_COLUMNS = ("id", "messages", "response", "source", "opening")
_ALL = ""
"""The stream of all rows; the others are named by their source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRow:
    """One row of a mixture, tokenised."""

    tokens: TokenisedRow
    source: str
    """``task``, ``harmful``, ``safety``, ``benign``, ``instruction``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MixtureRow:
    """One row of a mixture, as text."""

    id: str
    messages: list[dict[str, str]]
    response: str | None
    """None where the model itself is to answer."""
    source: str
    opening: str = ""
    """What stands before the response in the assistant's turn and bears no loss."""


def read_mixture(folder: Path) -> list[MixtureRow]:
    """Return the rows of a mixture artifact.

    Raises:
        StudyError: it has none.
    """
    import pyarrow.parquet as pq

    path = folder / "rows.parquet"
    known = [name for name in _COLUMNS if name in pq.read_schema(path).names]
    table = pq.read_table(path, columns=known)
    if not table.num_rows:
        raise StudyError(f"the mixture {folder.name} has no rows: there is nothing to train on")
    return [MixtureRow(**row) for row in table.to_pylist()]


def tokenise(
    rows: Sequence[MixtureRow], chat: ChatFormat, max_length: int
) -> tuple[list[TrainingRow], int]:
    """Return the rows as tokens, and how many of them had to be cut to ``max_length``.

    Raises:
        StudyError: a row has no response.
        DamagedInput: the chat template does not write a row as it must.
    """
    empty = [row.id for row in rows if row.response is None]
    if empty:
        raise StudyError(
            f"{len(empty)} row(s) of the mixture have no response (the first is {empty[0]}); "
            "only align_checkpoint lets the model answer rows itself"
        )
    whole = [_row(row, chat) for row in rows]
    fitting = [cut(tokens, max_length) for tokens in whole]
    shortened = sum(a is not b for a, b in zip(whole, fitting, strict=True))
    return [
        TrainingRow(tokens=tokens, source=row.source)
        for tokens, row in zip(fitting, rows, strict=True)
    ], shortened


def _row(row: MixtureRow, chat: ChatFormat) -> TokenisedRow:
    try:
        return chat.row(row.messages, row.response or "", row.opening)
    except DamagedInput as fault:
        raise DamagedInput(f"{fault} (the {row.source} row {row.id} of the mixture)") from None


class RowStreams:
    """Endless streams of the rows: one of all, and one of each source.

    The order of an epoch is drawn from the seed, the stream and the epoch alone (or is that of the
    rows), so that a stream's whole state is how many rows it has given. A batch may reach into the
    next epoch: no row is dropped, and none comes twice before all have come once.
    """

    def __init__(
        self,
        rows: Sequence[TrainingRow],
        seed: int,
        taken: dict[str, int] | None = None,
        order: Order = "shuffled",
    ) -> None:
        """Go on after the ``taken`` rows of each stream."""
        self._rows = rows
        self._seed = seed
        self._is_shuffled = order == "shuffled"
        self._orders: dict[tuple[str, int], list[int]] = {}
        self.taken: dict[str, int] = dict(taken or {})

    def take(self, count: int, source: str | None = None) -> list[TrainingRow]:
        """Return the next ``count`` rows, of one source or (None) of all.

        Raises:
            StudyError: no row has this source.
        """
        stream = _ALL if source is None else source
        members = [i for i, row in enumerate(self._rows) if source in (None, row.source)]
        if not members:
            seen = ", ".join(sorted({row.source for row in self._rows}))
            raise StudyError(f"a batch of source {source!r} was asked for; the mixture has {seen}")
        start = self.taken.get(stream, 0)
        self.taken[stream] = start + count
        return [self._row_at(stream, members, place) for place in range(start, start + count)]

    def _row_at(self, stream: str, members: Sequence[int], place: int) -> TrainingRow:
        epoch, index = divmod(place, len(members))
        if not self._is_shuffled:
            return self._rows[members[index]]
        if (stream, epoch) not in self._orders:
            self._orders = {key: kept for key, kept in self._orders.items() if key[0] != stream}
            self._orders[stream, epoch] = self._shuffled(stream, epoch, members)
        return self._rows[self._orders[stream, epoch][index]]

    def _shuffled(self, stream: str, epoch: int, members: Sequence[int]) -> list[int]:
        import torch

        label = f"{self._seed}/{stream}/{epoch}".encode()
        seed = int.from_bytes(hashlib.sha256(label).digest()[:7], "big")
        order = torch.randperm(len(members), generator=torch.Generator().manual_seed(seed))
        return [members[place] for place in order.tolist()]
