"""The study's sources and checkpoints: where models come from, and how one is made from another."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from safebasin.study.base import (
    PATTERNS,
    Count,
    FilePath,
    Framed,
    Line,
    Lines,
    Model,
    Name,
    Part,
    Precision,
    Seed,
)
from safebasin.study.orders import Targets
from safebasin.study.training import Training
from safebasin.templates.settings import (
    DATE,
    ChatSettings,
    SystemPlace,
    check_date,
    check_kwargs,
)

Day = Annotated[str, BeforeValidator(check_date)]
"""A day of the calendar, ``2024-07-26``."""
Kwargs = Annotated[dict[str, Any], AfterValidator(check_kwargs)]
"""Names and values of a chat template's own."""
_PART = "[A-Za-z0-9_][A-Za-z0-9_.-]*"
"""Of a repository's name."""
_PACKAGE = r"^[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9.+!_-]+$"
_REPOSITORY = rf"^{_PART}/{_PART}$"
PATTERNS[_PACKAGE] = "a package and its one version are needed, as in name==1.2.3"
PATTERNS[_REPOSITORY] = "owner and name of a repository are needed, as in owner/name"
COMMIT = r"^[0-9a-f]{40}$"
UNLOCKED = "unlocked"


class Hub(Model):
    """A repository on the Hugging Face hub."""

    repo: Annotated[str, Field(pattern=_REPOSITORY)]
    """Owner and name, as in the hub's address."""
    revision: str
    """A commit of 40 hex digits; a branch can move. ``unlocked`` leaves the commit to
    ``safebasin lock``; until it has run, the study plans and dry-runs, but does not run."""
    branch: Annotated[str, Field(pattern=r"^\w[\w./-]*$")] = "main"
    """The branch or tag whose commit ``safebasin lock`` looks up while the revision is
    ``unlocked``; the commit is then in the lock."""
    kind: Literal["model", "dataset"] = "model"
    mirrors: tuple[FilePath, ...] = ()
    """Where else the same files are to be had, tried in turn when the hub does not give one:
    another hub's address (``https://…``, asked without your token) or a local folder. The files
    must be those of the lock, so a mirror changes no result."""

    @field_validator("revision")
    @classmethod
    def _is_commit(cls, value: str) -> str:
        if value != UNLOCKED and not re.match(COMMIT, value):
            raise ValueError("a commit of 40 hex digits is needed (a branch or tag can move)")
        return value


class Source(Model):
    """Where raw files come from: exactly one of pypi, folder, hub."""

    pypi: Annotated[str, Field(pattern=_PACKAGE)] | None = None
    """A package and its version, ``name==1.2.3``; nothing of it is installed or run."""
    archive: Literal["wheel", "sdist"] = "wheel"
    """Which archive of the package."""
    folder: FilePath | None = None
    """A local folder."""
    hub: Hub | None = None
    files: Lines
    """Glob patterns of the files that are wanted; each must name one."""
    optional: tuple[Line, ...] = ()
    """Patterns of files that are taken where the source has them, such as ``*.jinja``."""
    private: bool = False
    """Keep names and hashes of a folder's files out of ``sources.lock.yaml``, which is shared:
    they are in ``sources.private.lock.yaml``, which git ignores."""

    @model_validator(mode="after")
    def _one_place(self) -> Source:
        if sum(place is not None for place in (self.pypi, self.folder, self.hub)) != 1:
            raise ValueError("name exactly one of pypi, folder, hub")
        if self.private and self.folder is None:
            raise ValueError("private goes with a folder; what a package or a hub holds is known")
        return self


class TinyLlama(Model):
    """A small Llama with random weights, for trying the workflow."""

    hidden: Annotated[int, Field(ge=2, le=4096)] = 64
    layers: Annotated[int, Field(ge=1, le=64)] = 2
    heads: Annotated[int, Field(ge=1, le=64)] = 4
    vocabulary: Annotated[int, Field(ge=300, le=100_000)] = 512
    seed: Seed = 0

    @model_validator(mode="after")
    def _has_heads(self) -> TinyLlama:
        if self.hidden % (2 * self.heads):
            raise ValueError(
                f"hidden {self.hidden} is no multiple of twice the {self.heads} heads: each has "
                "an even number of the values"
            )
        return self


class MixturePart(Framed):
    """Rows taken out of one part of a split."""

    split: Name
    part: Part
    corpus: Name | None = None
    """Take rows of this corpus only; all corpora of the part otherwise."""
    rows: Count
    response: Literal["given", "refusal", "placeholder", "self"] = "given"
    """What the rows are answered with: their own response, a refusal, a neutral placeholder for a
    compliant answer, or what the base model itself answers."""
    source: Name
    """The name under which training counts these rows."""


class Alignment(Model):
    """Safety tuning of a base checkpoint, full-rank, for pairs that are not published."""

    base: Name
    rows: tuple[MixturePart, ...] = ()
    demonstrations: Name | None = None
    """Rows of an agent's world, in place of ``rows``."""
    targets: Annotated[Targets, Field(min_length=1)]
    """Names of the linear layers that are trained."""
    layers: Count | None = None
    """How many of the upper layers are trained; all where it is not given."""
    training: Training
    seed: Seed = 0
    """Order of the rows."""

    @model_validator(mode="after")
    def _some_rows(self) -> Alignment:
        if bool(self.rows) == (self.demonstrations is not None):
            raise ValueError("name exactly one of rows, demonstrations")
        return self


class Checkpoint(Model):
    """A model: from a source, from a base by alignment, or a tiny random one."""

    source: Name | None = None
    format: Literal["gguf", "safetensors"] | None = None
    file: Line | None = None
    """Glob of the GGUF file in the source, or of the ``config.json`` beside the safetensors; needed
    where the source holds several."""
    dtype: Precision | Literal["keep"] | None = None
    """Type in which the weights are stored. Safetensors keep their own (``keep``) unless another
    is named, which takes time and disk; a GGUF file or a tiny model becomes float32."""
    tiny: TinyLlama | None = None
    align: Alignment | None = None
    chat_template: str | None = None
    """Jinja text of the chat template, where the source brings none or another one is wanted."""
    chat_template_name: Line | None = None
    """Which chat template is used, where the source brings several by name; else ``default``."""
    chat_template_kwargs: Kwargs = Field(default_factory=dict)
    """Values for names of the chat template's own, as in ``enable_thinking: false``."""
    chat_date: Day = DATE
    """The day that a chat template sees which writes the date, whatever the clock says."""
    chat_system: SystemPlace = "own_role"
    """Where a system message goes: ``own_role``, as the chat template writes one; or
    ``into_first_user_turn``, before the first user's text, for families without such a role."""
    label: Line | None = None
    """What the report calls it."""
    parameters: Annotated[int, Field(ge=1, le=10**15)] | None = None
    """How many parameters it has, for memory and time requests; else told from the source."""

    @property
    def stored_dtype(self) -> Precision | None:
        """Type that the weights are given; None where they keep their own."""
        if self.dtype is None and self.format != "safetensors":
            return "float32"
        return None if self.dtype == "keep" else self.dtype

    @model_validator(mode="after")
    def _one_origin(self) -> Checkpoint:
        if sum(origin is not None for origin in (self.source, self.tiny, self.align)) != 1:
            raise ValueError("name exactly one of source, tiny, align")
        if self.source is not None and self.format is None:
            raise ValueError("a checkpoint from a source needs its format: gguf or safetensors")
        if self.dtype is not None and self.align is not None:
            raise ValueError("dtype goes with a source; an aligned checkpoint has its base's")
        if self.dtype == "keep" and self.format != "safetensors":
            raise ValueError("dtype keep goes with safetensors; float32 or bfloat16 is right here")
        if self.source is None and (told := self._told_of_chat()):
            raise ValueError(f"{told[0]} goes with a source; the others bring their own")
        if self.chat_template is not None and not self.chat_template.strip():
            raise ValueError("chat_template is empty; leave it out, or give its Jinja text")
        if self.chat_template is not None and self.chat_template_name is not None:
            raise ValueError("name at most one of chat_template, chat_template_name")
        return self

    def _told_of_chat(self) -> list[str]:
        """Return the settings of the chat template that are not as usual."""
        usual = {
            name: field.get_default(call_default_factory=True)
            for name, field in type(self).model_fields.items()
            if name.startswith("chat_")
        }
        return [name for name, value in usual.items() if getattr(self, name) != value]

    @property
    def chat(self) -> ChatSettings:
        """How its chat template is used."""
        return ChatSettings(
            date=self.chat_date, system=self.chat_system, kwargs=self.chat_template_kwargs
        )


class Pair(Model):
    """An aligned checkpoint and the base it was made from."""

    aligned: Name
    base: Name | None = None
    """None where only adapters are evaluated: there is no direction then."""
