"""The study's agents: worlds, demonstrations, guards, the prefix search, and who is measured."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from safebasin.study.base import (
    LARGEST,
    PLUGIN,
    Count,
    Few,
    Model,
    Name,
    Named,
    Names,
    PluginFiles,
    Seed,
    Seeds,
)
from safebasin.study.orders import Targets
from safebasin.study.probe import Probe
from safebasin.study.problems import did_you_mean
from safebasin.study.training import Training

GUARDS = (
    "none",
    "system",
    "few_shot",
    "opening",
    "comment",
    "neutral",
    "random_safety",
    "prefix",
    "classifier",
)
FULL = "full"
Kind = Literal["benign", "harmful", "lookalike"]
Part = Literal["align", "train", "dev", "search", "test"]


class World(Model):
    """Where agents act."""

    type: Literal["dojo", "toolshell"]
    """``dojo``: eight small web sites. ``toolshell``: short Python in a sandbox."""
    seed: Seed = 0
    """Draws the tasks' wordings and pages."""


class DemonstrationPart(Model):
    """Some turns of some tasks, answered in one way."""

    part: Part
    kind: Kind
    rows: Count
    reply: Literal["action", "refusal"] = "action"
    comment: Literal["none", "task", "safety", "safety_given"] = "none"
    """What stands before it: nothing; a comment on the task; a safety-minded comment that is
    learnt, or the same as an opening that bears no loss (a comment on the task stands between it
    and an action, none before a refusal)."""


class Demonstrations(Model):
    """Rows of a scripted expert, and refusals where they are asked for."""

    world: Name
    rows: Annotated[tuple[DemonstrationPart, ...], Field(min_length=1)]
    seed: Seed = 0
    history: bool = False
    """Whether a prompt shows the earlier turns, or the present page alone."""


class Stop(Model):
    """When an agent's fine-tuning ends: a rule on development tasks that sees no guard."""

    type: Literal["refusals"] = "refusals"
    """What is looked at: refusals of harmful development tasks."""

    every: Count = 8
    """Steps between looks."""
    refused_at_most: Annotated[int, Field(ge=0, le=LARGEST)] = 1
    """Stop when at most so many harmful development tasks are refused."""
    tasks: Count = 14
    """Harmful development tasks that are looked at, and as many benign ones."""
    max_new_tokens: Count = 32


class Tuning(Model):
    """How an agent is made from the aligned checkpoint."""

    method: Name | Literal["full"] = "full"
    """``full`` trains the upper layers; else a method of the study, which trains an adapter."""
    targets: Targets = ()
    """Linear layers that ``full`` trains; an adapter has those of ``lora``."""
    layers: Count | None = None
    """How many of the upper layers ``full`` trains; all where it is not given."""
    training: Training | None = None
    preset: Literal["paper"] | None = None
    """In place of targets, layers and training: as PING's agents were made (full fine-tuning,
    learning rate 1e-5, cosine, one pass in batches of 128)."""
    stop: Stop | None = None
    """Ends the run by a rule; without it all steps are taken."""

    @model_validator(mode="after")
    def _one_recipe(self) -> Tuning:
        if (self.training is None) == (self.preset is None):
            raise ValueError("name exactly one of training, preset")
        if self.preset and (self.targets or self.layers or self.method != "full"):
            raise ValueError("a preset brings its own method, targets and layers")
        return self


class Guard(Model):
    """An inference-time defence."""

    type: str
    """``none``, ``system``, ``few_shot``, ``opening``, ``comment``, ``neutral``, ``random_safety``,
    ``prefix``, ``classifier``, or a plugin ``./file.py:Class``."""
    params: dict[str, Any] | None = None
    """What a plugin's class is made with."""
    files: PluginFiles | None = None
    """Files and folders beside a plugin that it reads."""
    search: bool = False
    """Whether a plugin is given what the search found."""
    text: Annotated[str, Field(min_length=1)] | None = None
    """The words of ``system``, ``opening`` or ``comment``, in place of the built-in ones."""
    ending: str | None = None
    """What follows an opening. Where it is not given, what the search put behind its prefixes, or a
    line end."""
    pick: Literal["winner", "first_round"] | None = None
    """Which candidate of the search a ``prefix`` is."""
    placement: Literal["opening", "suffix"] | None = None
    """Where a ``prefix`` goes: after the assistant's header, or to the user turn's end."""
    draws: Few = 1
    """How many comments or sentences are drawn; each is measured, and their mean is shown. Where
    an agent has several searches, they are matched to the searches' winners in turn."""
    threshold: Annotated[float, Field(gt=0, lt=1)] | None = None
    """From which probability a ``classifier`` blocks."""
    classifier: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Put a guard classifier with this threshold beside the guard."""
    opening_at: Literal["every", "first"] | None = None
    """Put an opening at every turn (the default) or at the first alone."""
    keep_opening: bool | None = None
    """Whether the history shows it; true where it is not given."""

    @field_validator("type")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in GUARDS and not re.match(PLUGIN, value):
            told = did_you_mean(value, GUARDS)
            raise ValueError(f"no such guard; {told} (a plugin is ./file.py:Class)")
        return value

    @property
    def needs_search(self) -> bool:
        """Whether it is made from what a search found."""
        return self.search or self.follows_search

    @property
    def follows_search(self) -> bool:
        """Whether it is a searched prefix, or a control of a prefix's form."""
        return self.type in ("prefix", "neutral", "random_safety")

    @property
    def kind(self) -> dict[str, object]:
        """What tells it from guards of other names, for whoever reads the measurements."""
        told = {"type", "pick", "placement", "classifier"}
        own: dict[str, object] = {} if self.text is None else {"own_words": True}
        return self.model_dump(include=told, exclude_none=True) | own

    def is_as_scored(self, ending: str) -> bool:
        """Whether it puts in the winner as a search with this ``ending`` scored it.

        A search scores an opening at every turn, kept in the history, with nothing beside it.
        """
        return (
            (self.type, self.pick or "winner", self.placement or "opening")
            == ("prefix", "winner", "opening")
            and self.classifier is None
            and self.opening_at != "first"
            and self.keep_opening is not False
            and self.ending in (None, ending)
        )


LINE_END = "\n"
"""What stands behind a comment unless a study says otherwise."""


class Generator(Model):
    """What proposes prefixes."""

    type: Literal["grammar", "local_lm", "openai_compatible"] = "grammar"
    checkpoint: Name | None = None
    """The checkpoint of ``local_lm``."""
    replies: Name | None = None
    """A source with the ``replies.jsonl`` of an earlier search by ``openai_compatible``: what is
    answered there is not asked again, so a search goes the same way without its server."""
    params: dict[str, Any] = {}
    """Further settings of the generator."""


class Search(Model):
    """PING's search: alternate between proposing and scoring (arXiv 2508.14031, algorithm 1)."""

    candidates: Count = 5
    """M, new prefixes a round."""
    rounds: Few = 5
    """T."""
    rounds_per_job: Count = 5
    """Rounds of one job. Asking for more rounds adds jobs: the search goes on from the last one
    that had so many."""
    keep: Annotated[int, Field(ge=3, le=LARGEST)] = 3
    """k, prefixes in each of the three lists that are fed back."""
    threshold: Annotated[float, Field(ge=0, le=2)] = 1.5
    """tau: below it nothing is fed back."""
    perf: Literal["action", "success"] = "action"
    """What counts as performing: a parsable action without a refusal, or the task's success."""
    tasks: Count = 7
    """Harmful search tasks, and as many benign ones."""
    rescore: Count | None = None
    """Score the best k again, on so many fresh tasks of each kind. Not in the paper."""
    ending: str = LINE_END
    """What is put behind a prefix. The paper's code puts nothing; a small model then stops."""
    generator: Generator = Generator()


class TaskCounts(Model):
    """Test tasks of each kind; the first ones of the world's order."""

    harmful: Count
    benign: Count
    lookalike: Annotated[int, Field(ge=0, le=LARGEST)] = 0


class Agent(Model):
    """An aligned checkpoint, the agents tuned from it, their guards, and the tasks they get."""

    world: Name
    aligned: Name
    """The checkpoint that the agent stage starts from."""
    pair: Name | None = None
    """The pair whose direction ``asft`` takes, where a tuning names that method."""
    demonstrations: Name
    tunings: Annotated[Named[Tuning], Field(min_length=1)]
    seeds: Seeds = (0,)
    search: Name | None = None
    search_seeds: Seeds = (0,)
    guards: Names
    tasks: TaskCounts
    history: bool = False
    """Whether the agent is shown its earlier turns, or the present page alone."""
    max_new_tokens: Count = 32
    probe: Probe | None = None
    """Fit probes on the tuned agents' states; left out where it is not given."""
