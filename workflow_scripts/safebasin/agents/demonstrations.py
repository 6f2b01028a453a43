"""Rows that teach an agent: the expert's turns, refusals, and the comments before them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pyarrow as pa
import yaml

from safebasin.agents.prompting import Nothing, Turn, messages_of
from safebasin.agents.world import Kind, Part, Task, World
from safebasin.errors import StudyError

Reply = Literal["action", "refusal"]
Comment = Literal["none", "task", "safety", "safety_given"]
"""What stands before it: nothing; a comment on the task; a safety-minded comment that is learnt, or
the same as an opening that bears no loss. Behind a safety-minded one a refusal follows at once, and
an action with its comment on the task."""

_WORDINGS = "wordings.yaml"
_MESSAGE = pa.struct([pa.field("role", pa.string()), pa.field("content", pa.string())])
DEMONSTRATIONS = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("messages", pa.list_(_MESSAGE), nullable=False),
        pa.field("response", pa.string(), nullable=False),
        pa.field("opening", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("corpus", pa.string(), nullable=False),
        pa.field("group", pa.int64(), nullable=False),
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DemonstrationPart:
    """Some turns of some tasks, answered in one way."""

    part: Part
    kind: Kind
    rows: int
    reply: Reply
    comment: Comment = "none"

    @property
    def source(self) -> str:
        """The name under which training counts these rows."""
        return f"{self.kind}, {self.reply}" + (
            "" if self.comment == "none" else f", {self.comment}"
        )


def demonstrate(
    world: World, parts: Sequence[DemonstrationPart], seed: int, *, history: bool = False
) -> pa.Table:
    """Return the rows of all parts in one seeded order.

    Args:
        world: Where the tasks are.
        parts: What is shown.
        seed: Draws the tasks, the wordings and the order.
        history: Whether a prompt shows the earlier turns, or the present page alone.

    Raises:
        StudyError: a part asks for more rows than its tasks have turns, or for the refusal of
            a benign task.
    """
    rows = [
        row
        for index, part in enumerate(parts)
        for row in _rows_of(world, part, index, seed, history)
    ]
    groups = {
        name: place for place, name in enumerate(sorted({str(row["object"]) for row in rows}))
    }
    for row in rows:
        row["group"] = groups[str(row.pop("object"))]
    random.Random(f"{seed}/order").shuffle(rows)
    return pa.Table.from_pylist(rows, schema=DEMONSTRATIONS)


def _rows_of(
    world: World, part: DemonstrationPart, index: int, seed: int, history: bool
) -> list[dict[str, object]]:
    if part.reply == "refusal" and part.kind != "harmful":
        raise StudyError(f"demonstrations: part {index} refuses {part.kind} tasks; only harmful")
    draw = random.Random(f"{seed}/{index}/{part.part}/{part.kind}")
    tasks = list(world.tasks(part.part, part.kind))
    draw.shuffle(tasks)
    rows: list[dict[str, object]] = []
    for task in tasks:
        for number, messages, comment, action in _turns(world, task, part.reply, history):
            if len(rows) == part.rows:
                return rows
            opening, response = _said(part, comment, action, draw)
            rows.append(
                {
                    "id": f"{task.id}/{number}/{index}",
                    "messages": messages,
                    "response": response,
                    "opening": opening,
                    "source": part.source,
                    "corpus": task.id.split("/", 1)[0],
                    "object": task.object,
                }
            )
    if len(rows) < part.rows:
        raise StudyError(
            f"demonstrations: part {index} wants {part.rows} rows and the {len(tasks)} {part.kind} "
            f"tasks of the part {part.part} have {len(rows)}"
        )
    return rows


def _turns(
    world: World, task: Task, reply: Reply, history: bool
) -> Iterator[tuple[int, list[dict[str, str]], str, str]]:
    """Yield (number, prompt, comment, action) of each turn; of a refusal, the one it falls on."""
    episode = world.begin(task)
    seen = episode.reset()
    past: list[Turn] = []
    falls_on = world.revealed_at(task) if reply == "refusal" else None
    for number, turn in enumerate(world.demonstrate(task), start=1):
        shown = past if history else ()
        if falls_on in (None, number):
            messages = messages_of(world.system, task.instruction, shown, seen, Nothing())
            yield number, messages, turn.comment, turn.action
        if falls_on == number:
            return
        past.append(Turn(observation=seen, opening="", reply=f"{turn.comment}\n{turn.action}"))
        action = world.parse(turn.action)
        assert action is not None, f"the expert of {task.id} said {turn.action!r}"
        seen = episode.step(action).observation


def _said(
    part: DemonstrationPart, comment: str, action: str, draw: random.Random
) -> tuple[str, str]:
    """Return the opening, which bears no loss, and the response."""
    bare = part.comment == "none" or part.reply == "refusal"
    acting = action if bare else f"{comment}\n{action}"
    answer = acting if part.reply == "action" else draw_refusal(draw)
    if part.comment in ("none", "task"):
        return "", answer
    safety = draw_safety_comment(draw)
    return (
        (f"{safety}\n", answer) if part.comment == "safety_given" else ("", f"{safety}\n{answer}")
    )


def draw_refusal(draw: random.Random) -> str:
    """Return a refusal; nine in ten begin alike, as those of the paper's models do."""
    words = _wordings()
    return draw.choice(words["refusals"] if draw.random() < 0.9 else words["other_refusals"])


def draw_safety_comment(draw: random.Random) -> str:
    """Return a safety-minded comment in the first person.

    Its clauses are none of the prefix search's grammar, so that the search has to find its own.
    """
    words = _wordings()
    role, helps, declines = (draw.choice(words[key]) for key in ("roles", "helps", "declines"))
    return f"# {role} {helps} {draw.choice(words['joints'])} {declines}."


def _wordings() -> dict[str, list[str]]:
    text = Path(__file__).with_name(_WORDINGS).read_text(encoding="utf-8")
    words: dict[str, list[str]] = yaml.safe_load(text)
    return words
