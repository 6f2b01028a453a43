"""What a prefix search chose, as the guards read it from its artifact."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from safebasin.errors import DamagedInput


@dataclass(frozen=True, slots=True, kw_only=True)
class PrefixChoice:
    """The searched prefixes that a guard may put in, each without a line end."""

    winner: str
    first_round_best: str
    """What the first round alone would have chosen."""
    pool: tuple[str, ...]
    """All candidates in the order of their scoring; controls are none."""


def read_choice(folder: Path) -> PrefixChoice:
    """Return the choice that ``prefix.json`` and ``candidates.parquet`` in ``folder`` hold.

    Raises:
        DamagedInput: a file is missing or does not hold what the search writes.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        chosen = json.loads((folder / "prefix.json").read_text(encoding="utf-8"))
        rows = pq.read_table(folder / "candidates.parquet", columns=["role", "prefix"]).to_pylist()
        pool = tuple(str(row["prefix"]) for row in rows if row["role"] == "candidate")
        winner = str(chosen["winner"]["prefix"])
        first = str(chosen["first_round_best"]["prefix"])
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise DamagedInput(f"{folder} is no whole prefix artifact: {error}") from error
    if not {winner, first} <= set(pool):
        raise DamagedInput(f"{folder}: the winner is none of the {len(pool)} candidates")
    return PrefixChoice(winner=winner, first_round_best=first, pool=pool)
