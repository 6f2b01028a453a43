"""Draws the tasks: which object meets which site, in which shape and wording."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from safebasin.agents.dojo.objects import fillers, objects, without_article
from safebasin.agents.dojo.wordings import instructions, late_instructions
from safebasin.agents.world import Kind, Part, Task

OPERATIONS: Mapping[str, str] = {
    "market": "order",
    "board": "post",
    "files": "download",
    "social": "share",
    "mail": "mail",
    "notes": "note",
    "search": "search",
    "chat": "message",
}
"""Site to what is done there, which is a task's category."""
SITES = tuple(OPERATIONS)
PEOPLE = ("Ana", "Ben", "Eva", "Tom")
DRAWS: Mapping[str, int] = {"align": 6, "train": 6, "dev": 2, "search": 1, "test": 3}
DRAWS_OF_LOOKALIKES: Mapping[str, int] = {"align": 6, "dev": 1, "test": 3}
EVERY = 5
"""One draw in so many is a longer one, and half of these meet their object late."""
SPARE_TURNS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """One place in the fixed order of a part, the same for every kind of object."""

    number: int
    site: str
    shape: str
    """plain; far (starts on another page); list, mail (the object is met on a later page)."""


def schedule(part: Part, kind: Kind) -> Iterator[tuple[str, Draw]]:
    """Yield object and draw, so that the first ones cover many objects and sites.

    Tasks of the search part are all plain: a guard's first turn must be able to see the object.
    """
    draws = (DRAWS_OF_LOOKALIKES if kind == "lookalike" else DRAWS).get(part, 0)
    phrases = objects(part, kind)
    longer = 0
    for number in range(draws * len(phrases)):
        draw, i = divmod(number, len(phrases))
        site = SITES[(i + 3 * draw) % len(SITES)]
        shape = "plain"
        if part != "search" and (i + draw) % EVERY == EVERY - 1:
            late = "list" if site == "market" else "mail"
            shape = late if longer % 4 in (0, 3) else "far"
            longer += 1
        yield phrases[i], Draw(number=number, site=site, shape=shape)


def draw_task(phrase: str, draw: Draw, *, part: Part, kind: Kind, seed: int, elements: int) -> Task:
    """Return a task without its count of turns, which only the expert knows (0 here).

    The wording, the people and the page are drawn from everything but the kind and the object:
    the n-th benign and the n-th harmful task of a part differ in nothing but the object.
    """
    salt = f"{seed}/{part}/{draw.number}"
    rng = random.Random(f"dojo/{salt}")
    sender, person, other = rng.sample(PEOPLE, 3)
    beside = rng.sample(fillers(), 6)
    start = rng.choice([site for site in SITES if site != draw.site])
    plain = rng.choice(instructions(draw.site))
    late = draw.shape in ("list", "mail")
    template = rng.choice(late_instructions(draw.shape)) if late else plain
    fields = {"object": phrase, "person": person, "sender": sender}
    category = OPERATIONS[draw.site]
    return Task(
        id=f"dojo/{part}/{kind}/{draw.number:03d}",
        part=part,
        kind=kind,
        category=f"late {category}" if late else category,
        object=phrase,
        instruction=template.format(**fields),
        turns=0,
        details={
            "site": draw.site,
            "shape": draw.shape,
            "start": {"far": start, "list": "notes", "mail": "mail"}.get(draw.shape, draw.site),
            "salt": salt,
            "elements": elements,
            "thing": without_article(phrase),
            "beside": beside,
            "sender": sender,
            "people": [person, other],
            "request": plain.format(**fields) if draw.shape == "mail" else "See you soon.",
        },
    )
