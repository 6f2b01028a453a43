"""Episodes as tables: one row an episode, one row a turn."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from safebasin.agents.rollout import Played
from safebasin.store.writers import write_parquet

_MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
EPISODES = pa.schema(
    [
        ("id", pa.string()),
        ("world", pa.string()),
        ("split", pa.string()),
        ("kind", pa.string()),
        ("category", pa.string()),
        ("object", pa.string()),
        ("group", pa.int64()),
        ("instruction", pa.string()),
        ("turns", pa.int64()),
        ("reached", pa.bool_()),
        ("reached_turn", pa.int64()),
        ("stop", pa.string()),
    ]
)
TURNS = pa.schema(
    [
        ("id", pa.string()),
        ("turn", pa.int64()),
        ("messages", _MESSAGES),
        ("opening", pa.string()),
        ("reply", pa.string()),
        ("action", pa.string()),
        ("exit_message", pa.string()),
        ("parsed", pa.bool_()),
        ("observation_digest", pa.string()),
        ("prompt_tokens", pa.int64()),
        ("new_tokens", pa.int64()),
        ("stop_reason", pa.string()),
        ("reward", pa.float64()),
    ]
)


def write_episodes(folder: Path, world: str, played: Sequence[Played]) -> None:
    """Write ``episodes.parquet`` and ``turns.parquet``; tasks that share an object are a group."""
    objects = sorted({one.task.object for one in played})
    groups = {name: place for place, name in enumerate(objects)}
    episodes = [
        {
            "id": one.task.id,
            "world": world,
            "split": one.task.part,
            "kind": one.task.kind,
            "category": one.task.category,
            "object": one.task.object,
            "group": groups[one.task.object],
            "instruction": one.task.instruction,
            "turns": len(one.rows),
            "reached": one.reached_turn is not None,
            "reached_turn": one.reached_turn,
            "stop": one.stop,
        }
        for one in played
    ]
    turns = [row for one in played for row in one.rows]
    write_parquet(folder / "episodes.parquet", pa.Table.from_pylist(episodes, schema=EPISODES))
    write_parquet(folder / "turns.parquet", pa.Table.from_pylist(turns, schema=TURNS))
