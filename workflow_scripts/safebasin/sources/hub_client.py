"""Asking one hub: what a branch stands for, which files there are, and their bytes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import httpx2
from huggingface_hub import HfApi, constants, hf_hub_url
from huggingface_hub.file_download import http_get
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils._headers import build_hf_headers
from huggingface_hub.utils.tqdm import disable_progress_bars

from safebasin.errors import DamagedInput
from safebasin.progress import Progress
from safebasin.sources.hub_errors import explain, is_passing
from safebasin.sources.lock import FileRecord, record_of
from safebasin.sources.repository import COMMIT, Repository

PAUSE = 0.5
"""Seconds before the second try; it doubles with each."""
_TRIES = 4
_FAILURES = (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError, KeyError)

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedFile:
    """What a hub tells of one file."""

    size: int
    git_id: str
    """Git's SHA-1 of the file, or of the pointer in its place where it is large."""
    record: FileRecord | None
    """Told for large files only."""


class HubClient:
    """One repository on one hub.

    Plain HTTP is used also where a hub offers xet: a download can then go on after a kill, from
    the byte where it stopped, and the same code serves mirrors.
    """

    def __init__(self, repository: Repository, endpoint: str | None = None) -> None:
        """Ask ``endpoint``, or the user's hub (``HF_ENDPOINT``).

        Only the user's hub is sent the user's token: a mirror is named by a study, which may be
        somebody else's.
        """
        self.endpoint = endpoint or constants.ENDPOINT
        self._repository = repository
        self._token = None if endpoint is None else False
        self._api = HfApi(endpoint=self.endpoint, token=self._token)

    def commit(self, revision: str) -> str:
        """Return the commit that a branch, a tag or a commit stands for.

        Raises:
            MachineLacks: the hub does not say.
        """

        def ask() -> str:
            found = self._api.repo_info(
                self._repository.name,
                repo_type=self._repository.kind,
                revision=revision,
                timeout=constants.HF_HUB_ETAG_TIMEOUT,
            )
            if not COMMIT.fullmatch(str(found.sha)):
                raise ValueError("no commit")
            return str(found.sha)

        return self._asked(ask, f"revision {revision!r}")

    def files(self, commit: str) -> dict[str, ListedFile]:
        """Return the files of ``commit`` by name.

        Raises:
            MachineLacks: the hub does not say.
        """

        def ask() -> dict[str, ListedFile]:
            tree = self._api.list_repo_tree(
                self._repository.name,
                repo_type=self._repository.kind,
                revision=commit,
                recursive=True,
            )
            return {
                each.path: ListedFile(
                    size=each.size,
                    git_id=each.blob_id,
                    record=FileRecord(sha256=each.lfs.sha256, size=each.size) if each.lfs else None,
                )
                for each in tree
                if isinstance(each, RepoFile)
            }

        return self._asked(ask, f"the files at {commit}")

    def may_read(self, commit: str, name: str) -> None:
        """Ask for the head of one file, which a gate guards as it does the file.

        Raises:
            MachineLacks: with what is in the way.
        """
        self._asked(
            lambda: self._api.get_hf_file_metadata(
                url=self._address(commit, name), token=self._token
            ),
            f"{name!r} at {commit}",
        )

    def download(
        self, commit: str, name: str, wanted: FileRecord | None, target: Path, progress: Progress
    ) -> None:
        """Download one file to ``target``, by way of ``target.part``, which a later call resumes.

        Args:
            commit: of the repository.
            name: of the file.
            wanted: what it must be; without it nothing is resumed or checked.
            target: where to.
            progress: told of tries that broke.

        Raises:
            MachineLacks: the hub does not give it; the part stays.
            DamagedInput: the bytes are not those that are wanted, a fresh start included.
        """
        part = target.with_name(f"{target.name}.part")
        target.parent.mkdir(parents=True, exist_ok=True)
        if wanted is None or _size(part) > wanted.size:
            part.unlink(missing_ok=True)
        resumed = part.exists()
        if wanted is None or _size(part) < wanted.size:
            self._fill(commit, name, part, progress)
        got = record_of(part)
        if wanted is not None and got != wanted:
            part.unlink()
            if resumed:
                self.download(commit, name, wanted, target, progress)
                return
            raise DamagedInput(
                f"{self._repository.path}: {name!r} at {commit} should have SHA-256 "
                f"{wanted.sha256} and {wanted.size} bytes, and came with {got.sha256} and "
                f"{got.size} bytes; nothing of it was kept. Run again, or name a mirror "
                "(`mirrors`); if the lock is wrong, lock the source again"
            )
        part.replace(target)

    def _fill(self, commit: str, name: str, part: Path, progress: Progress) -> None:
        disable_progress_bars()
        # identity: a compressed answer would make byte ranges and lengths mean something else.
        headers = {**build_hf_headers(token=self._token), "Accept-Encoding": "identity"}

        def go_on() -> None:
            with part.open("ab") as file:
                http_get(
                    self._address(commit, name), file, resume_size=file.tell(), headers=headers
                )

        self._asked(go_on, f"{name!r} at {commit}", progress)

    def _address(self, commit: str, name: str) -> str:
        return hf_hub_url(
            self._repository.name,
            name,
            repo_type=self._repository.kind,
            revision=commit,
            endpoint=self.endpoint,
        )

    def _asked(
        self, ask: Callable[[], Answer], what: str, progress: Progress | None = None
    ) -> Answer:
        """Return the answer; what may pass by itself is asked again a few times."""
        for attempt in range(1, _TRIES + 1):
            try:
                return ask()
            except _FAILURES as error:
                told = explain(error, self._repository, self.endpoint, what)
                if attempt == _TRIES or not is_passing(error):
                    raise told from None
            time.sleep(PAUSE * 2**attempt)
            if progress:
                progress.note(f"{told}; going on")
        raise AssertionError("the last try returns or raises")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
