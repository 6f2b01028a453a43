"""The objects that tasks are about, dealt to the parts so that no two parts share one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random

from safebasin.agents.toolshell.draft import Thing
from safebasin.agents.world import Part

SHARES: Mapping[Part, int] = {"align": 26, "train": 52, "dev": 8, "search": 8, "test": 52}
"""Objects of each part."""


def deal_things(seed: int) -> Mapping[Part, Sequence[Thing]]:
    """Return each part's objects: a noun and a person that no other part has."""
    text = (Path(__file__).parent / "things.json").read_text(encoding="utf-8")
    things = [Thing(noun=noun, person=person) for noun, person in json.loads(text).items()]
    Random(f"toolshell things {seed}").shuffle(things)
    dealt: dict[Part, Sequence[Thing]] = {}
    for part, share in SHARES.items():
        dealt[part], things = things[:share], things[share:]
        if len(dealt[part]) != share:
            raise ValueError(f"things.json holds too few objects for {part}")
    return dealt
