"""Fetches the raw files of a source and checks each against the lock."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass

from safebasin.errors import StudyError
from safebasin.sources.fetch import RESUME, fetch_files
from safebasin.sources.wanted import WantedFile
from safebasin.steps.job import Job

FILES: tuple[str, ...] = ("**/*",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """The bytes that the source stands for; where they come from is no part of it."""

    files: list[WantedFile]


def run(job: Job) -> None:
    """Put the wanted files, and no others, into the artifact.

    Raises:
        StudyError: the source has no origin, or nobody has locked it.
    """
    if "unlocked" in job.raw_params:
        raise StudyError(_unlocked(job.origin))
    params = job.params(Params)
    if not job.origin:
        raise StudyError("this source has no origin; give pypi, folder or hub")
    for left in job.folder.iterdir():
        if left.name != RESUME:
            shutil.rmtree(left) if left.is_dir() else left.unlink()
    fetch_files(job.origin, params.files, job.folder, job.progress)


def _unlocked(origin: Mapping[str, str]) -> str:
    """Return why a source without locked files is not fetched, and what to do."""
    repository, revision = origin.get("hub", "?"), origin.get("revision", "?")
    return (
        f"{repository} (a {origin.get('kind', 'repository')} on the Hugging Face hub, revision "
        f"{revision}) is not locked: nothing says which bytes it stands for. `safebasin lock` "
        "looks up its commit and hashes"
    )
