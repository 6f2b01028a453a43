"""Mixing rows of splits into what a model is trained on."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import yaml
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from safebasin.corpora.rows import Row
from safebasin.errors import StudyError

_REFUSALS = "refusals.yaml"
_PLACEHOLDER = "Sure, here is how to do it: [placeholder]"

ResponseKind = Literal["given", "refusal", "placeholder", "self"]
"""The row's own, a refusal, a neutral stand-in for compliance, or the model's own answer."""


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class MixturePart:
    """Some rows of one part of one split."""

    split: str
    part: str
    source: str
    response: ResponseKind
    corpus: str | None = None
    """Only rows of this corpus; all where absent."""
    rows: int | None = None
    """How many; all where absent."""
    system: str | None = None
    """A system message before each prompt."""
    template: str | None = None
    """The prompt, with ``{prompt}`` where the row's own goes."""


def mix_rows(
    splits: Mapping[str, Sequence[Row]],
    parts: Sequence[MixturePart],
    seed: int,
    first: str | None = None,
) -> list[Row]:
    """Return the rows of all parts in one seeded order, those of the source ``first`` first.

    A part's rows are the first of a shuffle that does not depend on how many are taken, so a
    larger sample holds the smaller one, and a row's answer is the same in both.

    Raises:
        StudyError: a part asks for more rows than there are, for what is not there, for a given
            response of a row that has none, for words around a conversation, or for a row that an
            earlier part took.
    """
    refusals = read_refusals()
    mixed: dict[str, Row] = {}
    for number, part in enumerate(parts):
        where = f"parts[{number}] ({part.split}, {part.part}, {part.corpus or 'all corpora'})"
        for row in _take(splits, part, seed, where):
            if row["id"] in mixed:
                raise StudyError(f"{where}: an earlier part already took the row {row['id']!r}")
            mixed[row["id"]] = {
                "id": row["id"],
                "messages": _framed(row["messages"], part, where),
                "response": _response(row, part.response, refusals, seed, where),
                "source": part.source,
                "corpus": row["corpus"],
                "group": row["group"],
            }
    rows = [mixed[name] for name in sorted(mixed)]
    random.Random(f"{seed}/order").shuffle(rows)
    return sorted(rows, key=lambda row: row["source"] != first)


def read_refusals() -> list[str]:
    """Return the wordings that refusing responses are chosen from."""
    text = Path(__file__).with_name(_REFUSALS).read_text(encoding="utf-8")
    return [str(each) for each in yaml.safe_load(text)]


def _take(
    splits: Mapping[str, Sequence[Row]], part: MixturePart, seed: int, where: str
) -> list[Row]:
    if part.split not in splits:
        raise StudyError(f"{where}: there is no split {part.split!r}; {sorted(splits)}")
    rows = [
        row
        for row in splits[part.split]
        if row["split"] == part.part and part.corpus in (None, row["corpus"])
    ]
    if not rows or (part.rows is not None and not 0 < part.rows <= len(rows)):
        raise StudyError(f"{where}: {part.rows or 'all'} rows are wanted and there are {len(rows)}")
    rows.sort(key=lambda row: str(row["id"]))
    random.Random(f"{seed}/{part.split}/{part.part}/{part.corpus or ''}").shuffle(rows)
    return rows[: part.rows]


def _framed(messages: list[dict[str, str]], part: MixturePart, where: str) -> list[dict[str, str]]:
    """Return the messages with the part's words around them."""
    if part.system is None and part.template is None:
        return messages
    if len(messages) != 1:
        raise StudyError(
            f"{where}: system and template stand around a single question, and a row has "
            f"{len(messages)} messages"
        )
    asked = messages[0]["content"]
    text = asked if part.template is None else part.template.replace("{prompt}", asked)
    head = [] if part.system is None else [{"role": "system", "content": part.system}]
    return [*head, {"role": "user", "content": text}]


def _response(
    row: Row, kind: ResponseKind, refusals: Sequence[str], seed: int, where: str
) -> str | None:
    if kind == "self":
        return None
    if kind == "placeholder":
        return _PLACEHOLDER
    if kind == "refusal":
        return random.Random(f"{seed}/{row['id']}").choice(refusals)
    if row["response"] is None:
        raise StudyError(
            f"{where}: the row {row['id']!r} has no response to give; choose 'response: self'"
        )
    return str(row["response"])
