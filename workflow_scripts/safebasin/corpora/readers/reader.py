"""What a reader is, and which reader a study's options name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pydantic import TypeAdapter, ValidationError

from safebasin.errors import StudyError

TYPES = ("csv", "jsonl", "parquet", "yaml_seeds", "vader_reviews", "generated")


class Reader(Protocol):
    """Turns the raw files of a source into rows.

    A plugin is a class with ``__init__(**params)`` and this method.
    """

    def read(self, folder: Path) -> list[dict[str, Any]]:
        """Return rows with ``prompt`` or ``messages`` and, where known, ``response``, ``label``,
        ``category``, ``origin``, ``id`` and ``group_key``.
        """
        ...


def make_reader(options: Mapping[str, Any]) -> Reader:
    """Return the reader that ``options["type"]`` names, with the other options.

    A type of the form ``./file.py:Class`` is a plugin; its options stand under ``params``.

    Raises:
        StudyError: the type is unknown, or an option is unknown, missing or of a wrong type.
    """
    name = str(options.get("type", ""))
    rest = {key: value for key, value in options.items() if key != "type" and value is not None}
    if ".py:" in name:
        return _plugin(name, rest)
    if name not in TYPES:
        raise StudyError(
            f"reader type {name!r}: should be one of {', '.join(TYPES)} or './file.py:Class'"
        )
    try:
        reader: Reader = TypeAdapter(_reader_class(name)).validate_python(rest)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in each['loc']) or name}: {each['msg']} "
            f"(got {each['input']!r:.60})"
            for each in error.errors()
        )
        raise StudyError(f"reader {name}: {problems}") from error
    return reader


def _reader_class(name: str) -> Any:
    # Imported here, so that reading a CSV file does not load what other formats need.
    if name == "csv":
        from safebasin.corpora.readers.csv import CsvReader

        return CsvReader
    if name == "jsonl":
        from safebasin.corpora.readers.jsonl import JsonlReader

        return JsonlReader
    if name == "parquet":
        from safebasin.corpora.readers.parquet import ParquetReader

        return ParquetReader
    if name == "yaml_seeds":
        from safebasin.corpora.readers.yaml_seeds import YamlSeedsReader

        return YamlSeedsReader
    if name == "vader_reviews":
        from safebasin.corpora.readers.vader_reviews import VaderReviewsReader

        return VaderReviewsReader
    from safebasin.corpora.readers.generated import GeneratedReader

    return GeneratedReader


def _plugin(reference: str, rest: Mapping[str, Any]) -> Reader:
    from safebasin.plugins import make_plugin

    unknown = sorted(set(rest) - {"params", "files"})
    if unknown:
        raise StudyError(f"reader {reference}: option {unknown[0]!r} belongs under 'params'")
    made: Any = make_plugin(reference, rest.get("params", {}))
    if not callable(getattr(made, "read", None)):
        raise StudyError(f"reader {reference}: has no method read, so it reads no rows")
    return _Checked(reference=reference, reader=made)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Checked:
    """A user's reader, of which rows are taken and nothing else."""

    reference: str
    reader: Reader

    def read(self, folder: Path) -> list[dict[str, Any]]:
        """Return the rows that the reader gives.

        Raises:
            StudyError: it gives something that is no series of rows.
        """
        read: object = self.reader.read(folder)
        what = type(read).__name__
        if isinstance(read, str | bytes | Mapping) or not isinstance(read, Iterable):
            raise self._refused(what)
        rows = list(read)
        for row in rows:
            if not isinstance(row, Mapping):
                raise self._refused(f"{what} of which one is a {type(row).__name__}")
        return rows

    def _refused(self, what: str) -> StudyError:
        return StudyError(
            f"reader {self.reference}: it returned a {what}; a list of rows is needed, each a "
            "mapping with `prompt` or `messages` (of a pandas table: table.to_dict('records'))"
        )
