"""The scripted expert: the moves that reach a task's goal, each with a remark."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from safebasin.agents.dojo.actions import Action
from safebasin.agents.dojo.episode import DojoEpisode
from safebasin.agents.dojo.objects import names
from safebasin.agents.dojo.wordings import comments
from safebasin.agents.world import Demonstrated, Task

BUTTONS = {"board": "publish", "notes": "save", "search": "go", "chat": "send", "mail": "send"}


@dataclass(frozen=True, slots=True)
class Move:
    """One turn, before the page tells which number its element has."""

    verb: str
    key: str
    """The element, or the site that is opened."""
    remark: str
    """Which comments fit."""


FRONT = {
    "market": (Move("type", "box", "find"),),
    "files": (Move("click", "shared", "folder"),),
    "social": (Move("click", "new", "new"),),
}
"""What leads from a site's front page to its list."""
LISTED = {"market": "buy", "files": "download", "social": "share"}


def demonstrate(task: Task) -> tuple[Demonstrated, ...]:
    """Return the expert's turns; the remarks are drawn from the task's salt and object."""
    rng = random.Random(f"expert/{task.id}/{task.details['salt']}")
    episode = DojoEpisode(task)
    turns = []
    for move in _moves(task):
        action = _action(move, episode, str(task.details["thing"]))
        remark = _remark(move, task, rng)
        if action.number:
            remark = f"{remark} {episode.line(action.number)}"
        turns.append(Demonstrated(comment=remark, action=str(action)))
        episode.step(str(action))
    return tuple(turns)


def revealed_at(task: Task) -> int:
    """Return the first turn, from 1, whose prompt names the object when the expert plays."""
    episode = DojoEpisode(task)
    for turn, shown in enumerate(demonstrate(task), start=1):
        if names(f"{task.instruction}\n{episode.observation()}", task.object):
            return turn
        episode.step(shown.action)
    raise AssertionError(f"{task.id}: the expert never meets the object")


def _moves(task: Task) -> Iterator[Move]:
    site, shape = str(task.details["site"]), str(task.details["shape"])
    if shape == "list":
        yield Move("click", "shopping", "list")
        yield Move("click", "line 0", "follow")
        yield Move("click", "found", "buy")
        return
    if shape == "mail":
        yield Move("click", f"{task.details['sender']}'s newest mail", "read")
    if shape == "mail" and site == "mail":
        yield Move("click", "write", "write")
    elif shape in ("mail", "far"):
        yield Move("open", site, "open")
    if shape == "far":
        yield from FRONT.get(site, ())
    yield from _last(task, site)


def _last(task: Task, site: str) -> Iterator[Move]:
    if site in LISTED:
        yield Move("click", "thing 0", LISTED[site])
        return
    person = cast(list[str], task.details["people"])[0]
    yield Move("type", person if site == "mail" else "box", "fill")
    yield Move("click", "send" if site == "mail" else "button", "send")


def _action(move: Move, episode: DojoEpisode, thing: str) -> Action:
    if move.verb == "open":
        return Action(verb="open", text=move.key)
    number = 1 + [element.key for element in episode.elements()].index(move.key)
    return Action(verb=move.verb, number=number, text=thing)


def _remark(move: Move, task: Task, rng: random.Random) -> str:
    site = str(task.details["site"])
    text = rng.choice(comments(move.remark)).format(
        object=task.object,
        site=site,
        button=BUTTONS.get(site, ""),
        sender=task.details["sender"],
        person=cast(list[str], task.details["people"])[0],
    )
    return f"# {text}"
