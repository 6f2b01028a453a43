"""The folder that Snakemake runs in: what it can be called, and what is told from it."""

from __future__ import annotations

import re
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.io import regex_from_filepattern

from safebasin.errors import StudyError


def from_here(path: Path) -> Path:
    """Return ``path`` as a user in the working directory writes it; Snakemake makes it absolute."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def refuse_folder(folder: str) -> None:
    """Refuse a working folder whose braces Snakemake cannot tell from its wildcards.

    Raises:
        StudyError: Snakemake would not find its own lock files there.
    """
    try:
        is_found = re.match(regex_from_filepattern(folder), folder) is not None
    except (re.error, WorkflowError):
        is_found = False
    if not is_found:
        raise StudyError(
            f"Snakemake takes the braces in the working folder {folder} for wildcards and cannot "
            "run there; give the folder another name, or name another with --directory"
        )
