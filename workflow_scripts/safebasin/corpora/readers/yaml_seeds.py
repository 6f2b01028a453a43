"""Rows from PyRIT's seed files: YAML with a list ``seeds`` of prompts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic.dataclasses import dataclass

from safebasin.corpora.readers.columns import STRICT
from safebasin.corpora.readers.files import find_files, read_text
from safebasin.corpora.texts import name, prose
from safebasin.errors import DamagedInput


@dataclass(frozen=True, kw_only=True, config=STRICT)
class YamlSeedsReader:
    """Reads seed files; the category is the first of a seed's ``harm_categories``."""

    path: str = "**/*.prompt"

    def read(self, folder: Path) -> list[dict[str, Any]]:
        """Return one row per text seed, with the file's ``dataset_name`` as origin.

        Raises:
            DamagedInput: the file is no such YAML.
        """
        return [
            row
            for path in find_files(folder, self.path)
            for row in _rows(path, path.relative_to(folder).as_posix())
        ]


def _rows(path: Path, file: str) -> Iterator[dict[str, Any]]:
    try:
        content = yaml.safe_load(read_text(path, file))
        seeds = [dict(seed) for seed in content["seeds"]]
    except (yaml.YAMLError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise DamagedInput(
            f"{file} is no seed file with 'seeds' ({type(error).__name__})"
        ) from error
    for number, seed in enumerate(seeds, start=1):
        if seed.get("data_type", "text") != "text":
            continue
        where = f"{file}: seed {number}"
        kinds = seed.get("harm_categories")
        yield {
            "where": where,
            "prompt": prose(seed.get("value"), f"{where}, 'value'"),
            "category": name(kinds[:1] or None if isinstance(kinds, list) else kinds, where),
            "origin": name(seed.get("dataset_name") or content.get("dataset_name"), where),
        }
