"""Fetches the raw files of a source and checks each against the lock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from safebasin.errors import SafebasinError, StudyError
from safebasin.resume.durable import discard
from safebasin.sources.fetch import fetch_files
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
        StudyError: the source has no origin, nobody has locked it, or a file has a name that the
            store keeps for itself.
        SafebasinError: the folder holds other files than the wanted ones at the end.
    """
    if "unlocked" in job.raw_params:
        raise StudyError(_unlocked(job.origin))
    params = job.params(Params)
    if not job.origin:
        raise StudyError("this source has no origin; give pypi, folder or hub")
    for left in job.folder.iterdir():
        discard(left)
    fetch_files(job.origin, params.files, job.folder, job.progress)
    found = {
        path.relative_to(job.folder).as_posix()
        for path in job.folder.rglob("*")
        if not path.is_dir()
    }
    if wrong := found ^ {each.name for each in params.files}:
        raise SafebasinError(
            f"the source should hold exactly the wanted files and differs in {sorted(wrong)[:8]}; "
            f"remove {job.folder} and try again"
        )


def _unlocked(origin: Mapping[str, str]) -> str:
    """Return why a source without locked files is not fetched, and what to do."""
    repository, revision = origin.get("hub", "?"), origin.get("revision", "?")
    return (
        f"{repository} (a {origin.get('kind', 'repository')} on the Hugging Face hub, revision "
        f"{revision}) is not locked: nothing says which bytes it stands for. `safebasin lock` "
        "looks up its commit and hashes"
    )
