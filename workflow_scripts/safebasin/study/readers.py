"""The menu of readers: one model per type, without the code that reads.

What is not given is left to the reader, which has its own default; only what is given enters a
corpus's spec. A test holds this menu and the readers' own options together.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from safebasin.study.base import PLUGIN, Count, Model, type_of

Scalar = str | bool | int | float
Values = tuple[Scalar, ...]


class Columns(Model):
    """The name that each meaning has in the table."""

    prompt: str | None = None
    """The prompt's column; ``prompt`` where it is not given."""
    messages: str | None = None
    """A column of chat turns instead; a last turn of the assistant is the response."""
    response: str | None = None
    label: str | None = None
    category: str | None = None
    origin: str | None = None
    id: str | None = None
    group: str | None = None
    """Rows with an equal value are never split apart."""


class _Reader(Model):
    @property
    def needs_source(self) -> bool:
        """Whether there is nothing to read without a source."""
        return True


class _Files(_Reader):
    path: str | None = None
    """Glob of the files in the source; those with the format's usual ending by default."""


class _Table(_Files):
    columns: Columns
    where: dict[str, Values] | None = None
    """Column to the values that are kept; values are compared as text."""
    exclude: dict[str, Values] | None = None
    """Column to the values that are left out."""
    template: str | None = None
    """The prompt, with ``{prompt}`` or ``{COLUMN}`` where a value goes in."""
    labels: dict[str, str] | None = None
    """The word for each value of the label column, and of the response column if it is the same."""


class CsvReader(_Table):
    """Comma separated tables with a header line, in UTF-8."""

    type: Literal["csv"]
    delimiter: str | None = None
    """A comma where it is not given."""
    comment: str | None = None
    """Lines above the header that begin with this are skipped."""


class JsonlReader(_Table):
    """Files with one JSON object a line."""

    type: Literal["jsonl"]


class ParquetReader(_Table):
    """Parquet tables."""

    type: Literal["parquet"]


class YamlSeedsReader(_Files):
    """PyRIT's seed files."""

    type: Literal["yaml_seeds"]


class VaderReviewsReader(_Files):
    """Movie snippets with ratings, from the vaderSentiment source archive."""

    type: Literal["vader_reviews"]
    margin: Annotated[float, Field(ge=0, le=4)] | None = None
    """Snippets are kept whose mean rating (-4 to 4) is at least this far from 0; 1 by default."""
    template: str | None = None
    """The prompt, with ``{prompt}`` where the snippet goes in."""
    positive: str | None = None
    """The word for a positive one."""
    negative: str | None = None
    """The word for a negative one."""
    rows: Count | None = None
    """At most this many, half of each label; all where it is not given."""
    seed: int | None = None
    """Picks among them where ``rows`` is given."""


class GeneratedReader(_Reader):
    """Rows that a seeded generator makes; there is no source."""

    type: Literal["generated"]
    generator: Literal[
        "instructions", "benign_turns", "over_refusal", "smoke_requests", "smoke_task"
    ]
    rows: Count | None = None
    """How many, taken after a seeded shuffle; all where it is not given."""
    seed: int | None = None

    @property
    def needs_source(self) -> bool:
        """The rows are made, not read."""
        return False


class PluginReader(_Reader):
    """A user's own reader, ``./file.py:Class``."""

    type: Annotated[str, Field(pattern=PLUGIN)]
    params: dict[str, Any] | None = None
    """What the class is made with."""

    @property
    def needs_source(self) -> bool:
        """It may make its rows."""
        return False


Reader = Annotated[
    Annotated[CsvReader, Tag("csv")]
    | Annotated[JsonlReader, Tag("jsonl")]
    | Annotated[ParquetReader, Tag("parquet")]
    | Annotated[YamlSeedsReader, Tag("yaml_seeds")]
    | Annotated[VaderReviewsReader, Tag("vader_reviews")]
    | Annotated[GeneratedReader, Tag("generated")]
    | Annotated[PluginReader, Tag("plugin")],
    Discriminator(type_of),
]
