"""Sentiment rows from the movie snippets that the vaderSentiment source archive carries.

Source: Hutto and Gilbert, ICWSM 2014; snippets from Pang and Lee's sentence polarity data.
"""

from __future__ import annotations

import random
import tarfile
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field
from pydantic.dataclasses import dataclass

from safebasin.corpora.readers.columns import STRICT
from safebasin.corpora.readers.files import find_files
from safebasin.errors import DamagedInput

_MEMBER = "movieReviewSnippets_GroundTruth.txt"
_MOST_BYTES = 64 << 20


@dataclass(frozen=True, kw_only=True, config=STRICT)
class VaderReviewsReader:
    """Reads ``movieReviewSnippets_GroundTruth.txt`` out of the nested archive."""

    path: str = "**/hutto_ICWSM_2014.tar.gz"
    margin: float = Field(default=1.0, ge=0.0, le=4.0)
    """Snippets are kept whose mean human rating (-4 to 4) is at least this far from 0."""
    template: Annotated[str, Field(pattern=r"\{prompt\}")] = (
        "Is this movie review positive or negative?\nReview: {prompt}"
    )
    positive: str = "positive"
    negative: str = "negative"
    rows: int | None = Field(default=None, ge=1)
    """At most this many, half of each label; all where absent."""
    seed: int = 0
    """Picks among them where ``rows`` is given."""

    def read(self, folder: Path) -> list[dict[str, Any]]:
        """Return the snippets as rows whose label and response is the word for the sentiment.

        Raises:
            DamagedInput: the archive or the file in it is not as it should be.
        """
        read = [
            self._row(*line)
            for path in find_files(folder, self.path)
            for line in _lines(path)
            if abs(line[1]) >= self.margin and line[1] != 0
        ]
        if self.rows is None:
            return read
        picked: list[dict[str, Any]] = []
        for word, count in ((self.positive, -(-self.rows // 2)), (self.negative, self.rows // 2)):
            of_word = [row for row in read if row["label"] == word]
            random.Random(f"{self.seed}/{word}").shuffle(of_word)
            picked += of_word[:count]
        return sorted(picked, key=lambda row: int(row["id"]))

    def _row(self, number: int, rating: float, snippet: str) -> dict[str, Any]:
        word = self.positive if rating > 0 else self.negative
        return {
            "id": str(number),
            "prompt": self.template.replace("{prompt}", snippet),
            "response": word,
            "label": word,
            "origin": "vader_reviews",
        }


def _lines(path: Path) -> list[tuple[int, float, str]]:
    try:
        with tarfile.open(path) as archive:
            member = next(
                each
                for each in archive.getmembers()
                if each.isreg() and each.name.rpartition("/")[2] == _MEMBER
            )
            stream = archive.extractfile(member)
            if member.size > _MOST_BYTES or stream is None:
                raise DamagedInput(f"{path.name}: {member.name} has {member.size} bytes")
            text = _decoded(stream.read(_MOST_BYTES))
        parsed = []
        for line in text.replace("\r\n", "\n").split("\n"):
            if line.strip():
                number, rating, snippet = line.split("\t", 2)
                parsed.append((int(number), float(rating), snippet.strip()))
    except (tarfile.TarError, StopIteration, ValueError, EOFError, OSError) as error:
        raise DamagedInput(
            f"{path.name} holds no {_MEMBER} with number, rating and snippet ({error!r})"
        ) from error
    return parsed


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")
