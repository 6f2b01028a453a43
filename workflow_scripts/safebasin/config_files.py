"""The files of Snakemake's ``--configfile``, read as a study's layers are."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import snakemake.settings.types as settings

from safebasin.errors import SafebasinError
from safebasin.last_words import end

_SNAKEFILES = ("Snakefile", "snakefile", "workflow/Snakefile", "workflow/snakefile")
"""Where Snakemake looks for one that is not named."""


def read_studies_as_safebasin() -> None:
    """Have Snakemake read config files by our reader, where the Snakefile is Safebasin's.

    What it reads itself is used by no rule; it only has to come through.
    """
    theirs = settings.load_configfile

    def load(path: Path) -> Mapping[str, Any]:
        if not is_ours(sys.argv[1:]):
            return theirs(path)  # type: ignore[no-any-return]
        from safebasin.study.yaml_reader import read_yaml  # no other workflow waits for it

        try:
            return read_yaml(path)
        except SafebasinError as problem:
            end(problem)

    settings.load_configfile = load


def is_ours(arguments: Sequence[str]) -> bool:
    """Return whether the Snakefile that Snakemake is started with is Safebasin's."""
    told = [value for flag, value in pairwise(arguments) if flag in ("-s", "--snakefile")]
    told += [each.partition("=")[2] for each in arguments if each.startswith("--snakefile=")]
    names = told[-1:] or _SNAKEFILES
    files = [Path(name) for name in names if Path(name).is_file()]
    return bool(files) and "Safebasin" in files[0].read_text(encoding="utf-8", errors="replace")
