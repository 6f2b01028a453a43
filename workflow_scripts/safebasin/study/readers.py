"""The menu of readers: one model per type, without the code that reads.

What is not given is left to the reader, which has its own default; only what is given enters a
corpus's spec. A test holds this menu and the readers' own options together.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from safebasin.label_words import label_faults
from safebasin.row_template import RowTemplateText, parse_template
from safebasin.study.base import (
    PLUGIN,
    Count,
    Line,
    Model,
    PluginFiles,
    Seed,
    Template,
    type_of,
)
from safebasin.study.orders import Scalar, values_in_order


def _inside(value: str) -> str:
    if not value or value.startswith("/") or ".." in value.split("/"):
        raise ValueError("a pattern of files within the source is needed, as in data/*.csv")
    return value


def _separates(value: str) -> str:
    sign = "\t" if value == "\\t" else value
    if len(sign) != 1 or sign in '"\r\n\0':
        raise ValueError('one character is needed that ends a field, as in ";" or "\\t" (a tab)')
    return sign


def _not_empty(values: tuple[Scalar, ...]) -> tuple[Scalar, ...]:
    if not values:
        raise ValueError("at least one value is needed")
    return values


Values = Annotated[tuple[Scalar, ...], AfterValidator(_not_empty), AfterValidator(values_in_order)]
Column = Annotated[str, Field(min_length=1)]
Filters = Annotated[dict[Column, Values], Field(min_length=1)]
Pattern = Annotated[str, AfterValidator(_inside)]
Delimiter = Annotated[str, AfterValidator(_separates)]


class Columns(Model):
    """The name that each meaning has in the table."""

    prompt: Column | None = None
    """The prompt's column; ``prompt`` where it is not given."""
    messages: Column | None = None
    """A column of chat turns instead, in OpenAI's or ShareGPT's form, as a list or as JSON text; a
    last turn of the assistant is the response."""
    response: Column | None = None
    label: Column | None = None
    category: Column | None = None
    origin: Column | None = None
    id: Column | None = None
    group: Column | None = None
    """Rows with an equal value are never split apart."""


class _Reader(Model):
    @property
    def needs_source(self) -> bool:
        """Whether there is nothing to read without a source."""
        return True


class _Files(_Reader):
    path: Pattern | None = None
    """Glob of the files in the source; those with the format's usual ending by default."""


class Table(_Files):
    """What readers of tables have in common."""

    columns: Columns
    where: Filters | None = None
    """Column to the values that are kept; each must fit a row. Numbers and truth values are
    compared by value, text letter for letter."""
    exclude: Filters | None = None
    """Column to the values that are left out; each must fit a row."""
    template: RowTemplateText | None = None
    """The prompt, with ``{prompt}`` or ``{COLUMN}`` where a value goes in; a missing one of several
    is left empty. A brace that is no place is doubled."""
    labels: Annotated[dict[str, Line], Field(min_length=1)] | None = None
    """The word for each value of the label column, and of the response column if it is the same."""

    def contradictions(self) -> Iterator[tuple[str, object, str]]:
        """Yield options that undo each other: the key, the value, and the cure."""
        columns, places = self.columns, parse_template(self.template or "{prompt}").places
        if columns.messages is not None:
            if columns.prompt is not None:
                yield "columns.prompt", columns.prompt, "`messages` is the prompt; name one of them"
            if self.template is not None:
                yield "template", self.template, "it has no effect on chat turns; leave it out"
        elif columns.prompt is not None and not {"prompt", columns.prompt} & set(places):
            yield "template", self.template, "it has no place for the prompt; put in {prompt}"
        if self.labels is not None and columns.label is None:
            yield "labels", self.labels, "say which column they are for: `columns: {label: …}`"


class CsvReader(Table):
    """Comma separated tables with a header line, in UTF-8."""

    type: Literal["csv"]
    delimiter: Delimiter | None = None
    """A comma where it is not given."""
    comment: Line | None = None
    """Lines above the header that begin with this are skipped."""


class JsonlReader(Table):
    """Files with one JSON object a line, or one list of them (``path: "*.json"``)."""

    type: Literal["jsonl"]


class ParquetReader(Table):
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
    template: Template | None = None
    """The prompt, with ``{prompt}`` where the snippet goes in."""
    positive: Line | None = None
    """The word for a positive one."""
    negative: Line | None = None
    """The word for a negative one."""
    rows: Count | None = None
    """At most this many, half of each label; all where it is not given."""
    seed: Seed | None = None
    """Picks among them where ``rows`` is given."""

    @model_validator(mode="after")
    def _two_words(self) -> VaderReviewsReader:
        words = (self.positive or "positive", self.negative or "negative")
        if told := next(label_faults(words), None):
            raise ValueError(told)
        return self


class GeneratedReader(_Reader):
    """Rows that a seeded generator makes; there is no source."""

    type: Literal["generated"]
    generator: Literal[
        "instructions", "benign_turns", "over_refusal", "smoke_requests", "smoke_task"
    ]
    rows: Count | None = None
    """How many, taken after a seeded shuffle; all where it is not given."""
    seed: Seed | None = None

    @property
    def needs_source(self) -> bool:
        """The rows are made, not read."""
        return False


class PluginReader(_Reader):
    """A user's own reader, ``./file.py:Class``."""

    type: Annotated[str, Field(pattern=PLUGIN)]
    params: dict[str, Any] | None = None
    """What the class is made with."""
    files: PluginFiles | None = None
    """Files and folders beside it that it reads."""

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
