"""The study as typed, validated objects: what ``config.yaml`` may say.

Unknown keys and wrong types are errors. The text below a field is its description in the
generated schema (``safebasin schema``), which editors show.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)

from safebasin.study.agents import Agent, Demonstrations, Guard, Search, World
from safebasin.study.base import (
    LARGEST,
    Count,
    Distinct,
    Fraction,
    Framed,
    Line,
    Lines,
    Model,
    Name,
    Named,
    Names,
    Part,
    PluginFiles,
    Precision,
    Seed,
    Seeds,
    Template,
)
from safebasin.study.checkpoints import Checkpoint, Pair, Source
from safebasin.study.methods import Method
from safebasin.study.readers import Reader
from safebasin.study.training import GridTraining, Lora


class Corpus(Model):
    """Rows of one role, read by one reader."""

    source: Name | None = None
    """The source of the rows; none where the reader generates them."""
    reader: Reader
    """``type`` and the options of the reader; ``./file.py:Class`` with ``params`` is a plugin."""
    harmful: bool = False
    """Whether the prompts ask for harm."""


def _one_of_three(value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
    """Say once what a share may be, and not what each of the three kinds lacks."""
    try:
        return validate(value)
    except ValidationError:
        raise ValueError("2 or more rows are needed, a fraction below 1, or `rest`") from None


Share = Annotated[
    Annotated[int, Field(ge=2, le=LARGEST)] | Annotated[float, Field(gt=0, lt=1)] | Literal["rest"],
    WrapValidator(_one_of_three),
]
Parts = Annotated[tuple[Part, ...], Field(min_length=1), Distinct]
Samples = Annotated[int, Field(ge=1, le=10**6)]


class Split(Model):
    """Corpora that must stay apart: near-duplicates fall into one part."""

    corpora: Names
    parts: Annotated[
        dict[Part, Annotated[dict[Name, Share], Field(min_length=1)]], Field(min_length=1)
    ]
    """Part to corpus to a number of rows (2 or more), a fraction below 1, or ``rest``."""
    similarity: Annotated[float, Field(gt=0, le=1)] = 0.5
    """TF-IDF cosine from which two prompts are near-duplicates."""
    seed: Seed = 0

    @model_validator(mode="after")
    def _one_whole(self) -> Split:
        for corpus in self.corpora:
            told = [part[corpus] for part in self.parts.values() if corpus in part]
            if told.count("rest") > 1:
                raise ValueError(f"two parts want the rest of {corpus}")
            if sum(share for share in told if isinstance(share, float)) > 1 + 1e-9:
                raise ValueError(f"the fractions of {corpus} are more than all of it")
        return self


Counts = Literal["within", "besides"]
Place = Literal["spread", "first"]


class PoisonOverride(Model):
    """What a task changes of the study's poison."""

    counts: Counts | None = None
    place: Place | None = None


class Task(Framed):
    """What the model is fine-tuned for."""

    split: Name
    part: Part = "train"
    corpus: Name | None = None
    response: Literal["given", "self"] = "given"
    poison: PoisonOverride | None = None
    """What this task changes of the study's poison."""


class Poison(Framed):
    """The harmful rows that are mixed into a task."""

    split: Name
    part: Part = "poison"
    corpus: Name | None = None
    response: Literal["given", "placeholder"] = "placeholder"
    counts: Counts = "within"
    """n rows hold p·n harmful ones, or p·n harmful ones stand besides n task rows (as in the AG
    News files of AsFT's authors)."""
    place: Place = "spread"
    """Harmful rows stand among the task's, or ``first``, before all of them (as in the GSM8K files
    of AsFT's authors), which tells only under ``training.order: file``."""


class Judge(Model):
    """How responses become verdicts."""

    type: str
    """``phrases``, ``label``, or a plugin ``./file.py:Class``."""
    labels: tuple[Line, ...] | None = None
    """The labels of a ``label`` judge."""
    params: dict[str, Any] | None = None
    """What a plugin's class is made with."""
    files: PluginFiles | None = None
    """Files and folders beside a plugin that it reads."""
    calibration: Name | None = None
    """A corpus with responses labelled by people; the judge's confusion table is made on it."""


class Prompts(Model):
    """Prompts that every model of the study answers, and the judge of the answers."""

    split: Name
    parts: Parts = ("test",)
    corpora: Names | None = None
    judge: Name
    task: Name | None = None
    """Put them only to models that are tuned for this task (and to the untouched pair)."""
    text_template: Template | None = None
    """The whole prompt as plain text, with ``{prompt}`` where the row's own goes. It takes the
    place of the chat template, which training keeps; AsFT's authors evaluate so."""
    max_new_tokens: Count = 16


class EvalSet(Model):
    """A part of the prompts that has its own row in the results."""

    prompts: Name
    part: Part = "test"
    corpora: Names | None = None
    categories: Lines | None = None
    metrics: Literal["refusal", "benign", "accuracy", "harm"]
    """``refusal`` for harmful prompts, ``benign`` for over-refusal, ``accuracy`` for a task;
    ``harm`` (HS) for a judge of harm, a plugin that answers ``harmful`` or ``harmless``. Agents
    need no such sets: their tasks are told apart by kind."""


class Generation(Model):
    """How responses are generated. Batch shapes change bf16 sums, so they count."""

    batch_size: Count = 16
    precision: Precision = "float32"


class Direction(Model):
    """The alignment direction d = W_aligned - W_base."""

    top: Count = 16
    """How many singular values are stored."""
    dtype: Precision = "float32"
    zero: Literal["refuse", "free", "shrink"] = "refuse"
    """What becomes of a matrix with d = 0: an error, no penalty, or a plain one."""


class Adopted(Model):
    """Somebody's PEFT adapter, evaluated as it is."""

    source: Name
    pair: Name
    """The pair whose aligned checkpoint it sits on."""
    task: Name | None = None


class Block(Model):
    """A grid: every combination of its lists is run."""

    pairs: Names
    tasks: Names
    samples: Annotated[tuple[Samples, ...], Field(min_length=1), Distinct]
    harmful_fractions: Annotated[tuple[Fraction, ...], Field(min_length=1), Distinct]
    methods: Names
    seeds: Seeds


class Choice(Model):
    """How settings are chosen on the development split."""

    rule: Literal["rr_plus_fa"] = "rr_plus_fa"
    """The setting with the largest dev refusal rate + dev accuracy; ties go to the smaller λ."""
    refusal: Names
    accuracy: Name


class Contrast(Model):
    """The one primary comparison, fixed beforehand."""

    treatment: Name
    control: Name
    eval_sets: Names
    metric: Literal["RR"] = "RR"
    margin: Annotated[float, Field(gt=0, lt=1)] = 0.05
    """Half-width of the equivalence region (0.05 = 5 points)."""
    level: Annotated[float, Field(gt=0.5, lt=1)] = 0.95

    @model_validator(mode="after")
    def _of_two(self) -> Contrast:
        if self.treatment == self.control:
            raise ValueError("treatment and control are one method: there is nothing to compare")
        return self


class Study(Model):
    """Everything that is asked. Threads, memory, GPUs and paths belong to the profile."""

    study: Name
    title: str = ""
    description: str = ""
    meaningless: bool = False
    """The numbers of this study mean nothing (a try-out); the report says so."""
    controls: bool = True
    """Require a ``ridge`` at every λ of every ``asft``. Switch it off only on purpose."""
    sources: Named[Source] = {}
    checkpoints: Annotated[Named[Checkpoint], Field(min_length=1)]
    pairs: Named[Pair] = {}
    corpora: Named[Corpus] = {}
    splits: Named[Split] = {}
    tasks: Named[Task] = {}
    poison: Poison | None = None
    lora: Lora | None = None
    training: GridTraining | None = None
    direction: Direction = Direction()
    methods: Named[Method] = {}
    judges: Named[Judge] = {}
    generation: Generation = Generation()
    prompts: Named[Prompts] = {}
    eval_sets: Named[EvalSet] = {}
    adapters: Named[Adopted] = {}
    grid: tuple[Block, ...] = ()
    choice: Choice | None = None
    contrast: Contrast | None = None
    worlds: Named[World] = {}
    demonstrations: Named[Demonstrations] = {}
    searches: Named[Search] = {}
    guards: Named[Guard] = {}
    agents: Named[Agent] = {}

    def compares_pairs(self) -> bool:
        """Return whether pairs are all there is: then they are evaluated as they are."""
        return not (self.grid or self.adapters or self.agents)

    def poison_of(self, task: str) -> Poison | None:
        """Return the poison with what the task changes of it."""
        changed = self.tasks[task].poison
        if self.poison is None or changed is None:
            return self.poison
        return self.poison.model_copy(update=changed.model_dump(exclude_none=True))
