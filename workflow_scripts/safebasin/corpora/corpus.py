"""From what a reader gave to the rows of a corpus."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from safebasin.corpora.rows import Row
from safebasin.corpora.texts import name, prose
from safebasin.corpora.turns import Turn, read_turns
from safebasin.errors import DamagedInput

_READER_KEYS = frozenset(
    {"id", "prompt", "messages", "response", "label", "category", "origin", "group_key", "where"}
)
_OPTIONAL_NAMES = ("label", "category", "group_key")


def corpus_rows(
    read: Sequence[Mapping[str, Any]], *, harmful: bool, default_origin: str
) -> list[Row]:
    """Return rows of the corpus schema from what a reader gave.

    A row has ``prompt`` or ``messages``; all else is optional. A row without an id gets one from
    its content, so that it keeps its id when rows around it come and go; equal rows are
    numbered. ``where`` says in messages where the row stands; else its number is said.

    Raises:
        DamagedInput: a row has an unknown key, no prompt, an id that another row has, or a value
            that is no text.
    """
    rows: list[Row] = []
    first: dict[str, str] = {}
    times: dict[str, int] = {}
    for number, raw in enumerate(read, start=1):
        if not isinstance(raw, Mapping):
            raise DamagedInput(f"row {number} of the reader is no mapping of keys to values")
        where = str(raw.get("where") or f"row {number} of the reader")
        row = _corpus_row(raw, where, harmful, default_origin)
        given = name(raw.get("id"), f"{where}, 'id'")
        called = given if given is not None else _content_id(row)
        times[called] = times.get(called, 0) + 1
        if times[called] > 1 and given is not None:
            raise DamagedInput(f"{where} has the id {given!r:.80}, which {first[called]} has too")
        first.setdefault(called, where)
        row["id"] = called if times[called] == 1 else f"{called}-{times[called]}"
        rows.append(row)
    return rows


def _corpus_row(raw: Mapping[str, Any], where: str, harmful: bool, default_origin: str) -> Row:
    """Return a row of the schema, but for its id."""
    unknown = sorted(set(raw) - _READER_KEYS)
    if unknown:
        raise DamagedInput(
            f"{where} has the key {unknown[0]!r}; it may have {', '.join(sorted(_READER_KEYS))}"
        )
    row: Row = {
        "messages": _messages(raw, where),
        "response": prose(raw.get("response"), f"{where}, 'response'"),
    }
    row.update({key: name(raw.get(key), f"{where}, {key!r}") for key in _OPTIONAL_NAMES})
    row["origin"] = name(raw.get("origin"), f"{where}, 'origin'") or default_origin
    row["harmful"] = harmful
    return row


def _messages(raw: Mapping[str, Any], where: str) -> list[Turn]:
    """Return the turns up to where the assistant speaks.

    Raises:
        DamagedInput: the user asks nothing, or the last turn is not one to answer.
    """
    if raw.get("messages") is None:
        prompt = prose(raw.get("prompt"), f"{where}, 'prompt'")
        if prompt is None or not prompt.strip():
            raise DamagedInput(f"{where} has no prompt; give one or leave it out")
        return [{"role": "user", "content": prompt}]
    turns = read_turns(raw["messages"], f"{where}, 'messages'")
    if not any(turn["role"] == "user" for turn in turns):
        raise DamagedInput(f"{where} has no message of the role 'user'")
    if turns[-1]["role"] not in ("user", "tool"):
        raise DamagedInput(
            f"{where}: before the answer the {turns[-1]['role']} speaks, not the user"
        )
    return turns


def _content_id(row: Row) -> str:
    content = json.dumps([row["messages"], row["response"]], ensure_ascii=False)
    return hashlib.sha256(content.encode()).hexdigest()[:12]
