"""Prefixes from a seeded grammar: role × help × refuse × tone, recombined where there is feedback.

It stands in for the paper's generator, a large language model, and keeps the loop whole: from
scratch it samples freely, with feedback it recombines and mutates clauses of the three lists. The
claim tested with it is "search over natural prefixes", not "a large model writes good ones".
"""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Literal

import yaml

from safebasin.guards.generators.generator import Feedback, GeneratorContext, Proposal
from safebasin.store.canonical import Json

Form = Literal["both", "help", "refuse", "opening"]

FORMS: Mapping[Form, float] = {"both": 0.8, "help": 0.08, "refuse": 0.06, "opening": 0.06}
"""Which halves a sentence has, to how often it is drawn. The last three give perf and refusal
something to reject: no refusing half, no helping half, a refusal from the first word on."""

_FRESH = 0.15
"""Share of sentences that are drawn freely although there is feedback."""
_MUTATION = 0.2
"""Probability that a slot of a recombined sentence is drawn anew."""
_TRIES = 50
"""Draws a proposal may take until it is a new sentence; after that it may be a repetition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """The clauses of one sentence; ``str`` of it is the comment line."""

    form: Form
    frame: str
    role: str
    help: str
    help_too: str
    """The second helping clause where there is no refusing one."""
    joint: str
    refuse: str
    refuse_too: str
    tone: str
    opening: str
    """The refusal opening of a sentence that has one."""

    def __str__(self) -> str:
        subject = f"{self.frame} {self.role}, I"
        if self.form == "opening":
            middle = f"{self.opening}, since {subject[0].lower()}{subject[1:]} {self.refuse}"
        elif self.form == "help":
            middle = f"{subject} {self.help} and {self.help_too}"
        elif self.form == "refuse":
            middle = f"{subject} {self.refuse} and {self.refuse_too}"
        else:
            middle = f"{subject} {self.help}{self.joint}{self.refuse}"
        return f"# {middle}{self.tone}."


@dataclass(frozen=True, kw_only=True)
class GrammarSettings:
    """The options of ``grammar``."""

    seed: int = 0

    def make(self, context: GeneratorContext) -> GrammarGenerator:
        """Return the generator."""
        del context
        return GrammarGenerator(self.seed)


class GrammarGenerator:
    """Draws sentences; equal seed, round and feedback give equal sentences on every machine."""

    reproducible = True

    def __init__(self, seed: int) -> None:
        """Take the seed of all rounds."""
        self._seed = seed

    @property
    def description(self) -> Mapping[str, Json]:
        """Type and seed."""
        return {"type": "grammar", "seed": self._seed}

    def propose(self, count: int, feedback: Feedback | None, round: int) -> list[Proposal]:
        """Return ``count`` sentences, new ones within the round and towards the feedback."""
        draw = random.Random(f"prefix grammar {self._seed} round {round}")
        known = set(feedback.texts()) if feedback is not None else set()
        proposals: list[Proposal] = []
        for _ in range(count):
            for _ in range(_TRIES):
                proposal = _proposal(draw, feedback)
                if proposal.text not in known:
                    break
            known.add(proposal.text)
            proposals.append(proposal)
        return proposals


def safety_sentences(count: int, seed: int, outside: Collection[str] = ()) -> list[str]:
    """Return random sentences that help and decline, all different and none in ``outside``."""
    draw = random.Random(f"random safety sentences {seed}")
    taken, found = set(outside), list[str]()
    while len(found) < count:
        text = str(_sentence(draw, "both"))
        if text not in taken:
            taken.add(text)
            found.append(text)
    return found


def read_back(text: str) -> dict[str, str]:
    """Return the clauses by slot that a text holds; another generator's text may hold none."""
    found = {}
    for slot, clauses in _slots().items():
        inside = sorted(
            (text.index(clause), clause) for clause in clauses if clause and clause in text
        )
        if inside and slot in ("role", "help", "refuse", "tone"):
            found[slot] = inside[0][1]
    return found


def _proposal(draw: random.Random, feedback: Feedback | None) -> Proposal:
    if feedback is None or not feedback.texts() or draw.random() < _FRESH:
        form = draw.choices(list(FORMS), weights=list(FORMS.values()))[0]
        return Proposal(text=str(_sentence(draw, form)), source="grammar")
    helper = draw.choice([*feedback.best_overall, *feedback.best_perf]).text
    refuser = draw.choice([*feedback.best_overall, *feedback.best_refusal]).text
    return Proposal(
        text=str(_recombined(draw, helper, refuser)),
        parents=tuple(dict.fromkeys((helper, refuser))),
        source="grammar",
    )


def _recombined(draw: random.Random, helper: str, refuser: str) -> Sentence:
    """Return a sentence with the helping clause of one parent and the refusing one of the other.

    A slot that its parent lacks, or that mutates, is drawn anew.
    """
    of_helper, of_refuser = read_back(helper), read_back(refuser)
    either = [of_helper, of_refuser]
    inherited = {
        "help": of_helper.get("help"),
        "refuse": of_refuser.get("refuse"),
        "role": draw.choice(either).get("role"),
        "tone": draw.choice(either).get("tone", ""),
    }
    sentence = _sentence(draw, "both")
    for slot, clause in inherited.items():
        if clause is not None and draw.random() >= _MUTATION:
            sentence = replace(sentence, **{slot: clause})  # type: ignore[arg-type]
    return sentence


def _sentence(draw: random.Random, form: Form) -> Sentence:
    slots = _slots()
    helps, refuses = draw.sample(slots["help"], 2), draw.sample(slots["refuse"], 2)
    return Sentence(
        form=form,
        frame=draw.choice(slots["frame"]),
        role=draw.choice(slots["role"]),
        help=helps[0],
        help_too=helps[1],
        joint=draw.choice(slots["joint"]),
        refuse=refuses[0],
        refuse_too=refuses[1],
        tone=draw.choice(slots["tone"]),
        opening=draw.choice(slots["opening"]),
    )


@cache
def _slots() -> Mapping[str, Sequence[str]]:
    lists: Mapping[str, Sequence[str]] = yaml.safe_load(
        Path(__file__).with_name("grammar.yaml").read_text(encoding="utf-8")
    )
    return {
        "frame": lists["frames"],
        "role": lists["roles"],
        "help": lists["helps"],
        "joint": lists["joints"],
        "refuse": lists["refuses"],
        "tone": lists["tones"],
        "opening": lists["refusal_openings"],
    }
