"""The files of Snakemake's ``--configfile``, read as a study's layers are."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import snakemake.settings.types as settings

from safebasin.errors import SafebasinError, StudyError
from safebasin.last_words import end

_SNAKEFILES = ("Snakefile", "snakefile", "workflow/Snakefile", "workflow/snakefile")
"""Where Snakemake looks for one that is not named."""
_RULES = Path("rules/common.smk")
_BINDING = "from safebasin.binding import bind"
"""A line of the rules beside our Snakefile; any other workflow's may speak of Safebasin."""
_FLAGS = ("--configfile", "--configfiles")
_LAST = (
    "Snakemake takes the last --configfile alone: say it once, with all files behind it "
    "(--configfile config.yaml mine.yaml)"
)
_TARGETS = (
    " (Snakemake takes all that follows --configfile for config files: "
    "say first what is to be made)"
)


def read_studies_as_safebasin() -> None:
    """Have Snakemake read config files by our reader, where the Snakefile is Safebasin's.

    What it reads itself is used by no rule; it only has to come through.
    """
    theirs = settings.load_configfile

    def load(path: Path) -> Mapping[str, Any]:
        if not is_ours(sys.argv[1:]):
            return theirs(path)  # type: ignore[no-any-return]
        if sum(each.partition("=")[0] in _FLAGS for each in sys.argv[1:]) > 1:
            end(StudyError(_LAST))
        # No other workflow waits for these.
        from safebasin.study.missing_file import CONFIG_SUFFIXES
        from safebasin.study.yaml_reader import read_yaml

        try:
            return read_yaml(path)
        except SafebasinError as problem:
            end(problem if path.suffix in CONFIG_SUFFIXES else StudyError(f"{problem}{_TARGETS}"))

    settings.load_configfile = load


def is_ours(arguments: Sequence[str]) -> bool:
    """Return whether the Snakefile that Snakemake is started with is Safebasin's."""
    told = [value for flag, value in pairwise(arguments) if flag in ("-s", "--snakefile")]
    told += [each.partition("=")[2] for each in arguments if each.startswith("--snakefile=")]
    names = told[-1:] or _SNAKEFILES
    files = [Path(name) for name in names if Path(name).is_file()]
    rules = files[0].resolve().parent / _RULES if files else None
    return (
        rules is not None
        and rules.is_file()
        and _BINDING in rules.read_text(encoding="utf-8", errors="replace")
    )
