"""A repository on the Hugging Face hub as a source: cache first, then the hub, then mirrors."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from huggingface_hub.utils.sha import git_hash

from safebasin.errors import DamagedInput, MachineLacks, SafebasinError, StudyError
from safebasin.progress import Progress
from safebasin.sources.choice import reason_to_leave
from safebasin.sources.hub_cache import find_cached, find_snapshot, is_right
from safebasin.sources.hub_client import HubClient, ListedFile
from safebasin.sources.link import link_or_copy
from safebasin.sources.lock import FileRecord, record_of
from safebasin.sources.members import check_names
from safebasin.sources.repository import COMMIT, UNLOCKED, Repository
from safebasin.sources.stage import VERIFIED, staged
from safebasin.sources.wanted import WantedFile


class HubSource:
    """The files of one commit. No code of the repository is ever run, no pickle taken."""

    careful = True

    def __init__(
        self, repository: Repository, *, revision: str, branch: str, mirrors: Sequence[str]
    ) -> None:
        """Stand for ``revision``, or where that is ``unlocked`` for what ``branch`` leads to.

        Args:
            repository: which.
            revision: a commit, or ``unlocked``.
            branch: a branch or tag.
            mirrors: other hubs (``https://…``) and local folders that hold the same files.

        Raises:
            StudyError: the revision is neither a commit nor ``unlocked``.
        """
        if revision != UNLOCKED and not COMMIT.fullmatch(revision):
            raise StudyError(
                f"hub: {repository.name}: the revision {revision!r} is no commit of 40 hex "
                "digits; a branch or tag can move"
            )
        self._repository = repository
        self._commit = None if revision == UNLOCKED else revision
        self._branch = branch
        self._hub = HubClient(repository)
        self._mirrors = list(mirrors)
        self._listed: dict[str, ListedFile] | None = None
        self.key = f"hub:{repository.path}@{self._commit or branch}"

    def names(self, work: Path, progress: Progress) -> list[str]:
        """Return the names of all files of the commit.

        Raises:
            MachineLacks: the hub cannot be asked, or does not let us.
        """
        del work, progress
        return sorted(self.listed())

    def listed(self) -> dict[str, ListedFile]:
        """Return what the hub tells of each file of the commit.

        Raises:
            MachineLacks: the hub cannot be asked, or does not let us.
            DamagedInput: a name would lead out of its folder.
        """
        if self._listed is None:
            self._commit = self._commit or self._hub.commit(self._branch)
            files = self._hub.files(self._commit)
            check_names(files, self.key)
            self._listed = files
        return self._listed

    def revision(self) -> str | None:
        """Return the commit, or None where nobody has looked it up yet."""
        return self._commit

    def records(
        self, names: Sequence[str], work: Path, progress: Progress
    ) -> dict[str, FileRecord]:
        """Return what the named files are: as the hub tells for large ones, else by fetching."""
        with staged(work) as stage:
            found = {}
            for name in progress.over(names, f"asking for {self.key}"):
                listed = self.listed()[name]
                found[name] = listed.record or self._record_of_small(name, listed, stage, progress)
            return found

    def copy(
        self, wanted: Sequence[WantedFile], into: Path, work: Path, progress: Progress
    ) -> None:
        """Put the wanted files below ``into``, linked where the user's cache has them.

        Raises:
            DamagedInput: bytes are not those that are wanted, or a name is that of a pickle.
            MachineLacks: neither the hub nor a mirror gives a file.
        """
        for each in wanted:
            if why := reason_to_leave(each.name):
                raise DamagedInput(f"{self.key}: {each.name!r} {why}; it is refused")
        for each in progress.over(wanted, f"fetching {self.key}"):
            record = FileRecord(sha256=each.sha256, size=each.size)
            kept = work / VERIFIED / each.sha256
            if not is_right(kept, record):
                kept.unlink(missing_ok=True)
                self._obtain(each.name, record, kept, progress)
            link_or_copy(kept, into / each.name)

    def room(self, wanted: Sequence[WantedFile], work: Path) -> int:
        """Return the bytes of what is neither fetched already nor in a cache on the same disk."""
        disk, needed = work.stat().st_dev, 0
        for each in wanted:
            cached, kept = self._cached(each), work / VERIFIED / each.sha256
            if kept.exists() or (cached is not None and cached.stat().st_dev == disk):
                continue
            part = kept.with_name(f"{kept.name}.part")
            needed += each.size - (part.stat().st_size if part.exists() else 0)
        return needed

    def check_access(self, wanted: Sequence[WantedFile]) -> None:
        """Ask the hub, then the mirrors, for the first file that is not in the cache.

        While nobody has locked the source, the branch's first file is asked for.

        Raises:
            MachineLacks: none of them would give it.
        """
        if self._commit is None:
            names = sorted(self.listed())
        else:
            names = [each.name for each in wanted if self._cached(each) is None]
        if not names:
            return
        commit, name = self._required_commit(), names[0]
        problems: list[SafebasinError] = []
        for place in self._places():
            try:
                if isinstance(place, HubClient):
                    place.may_read(commit, name)
                elif not (place / name).is_file():
                    raise MachineLacks(f"{place} has no {name!r}")
            except SafebasinError as problem:
                problems.append(problem)
            else:
                return
        raise _joined(problems)

    def archive(self, work: Path, progress: Progress) -> None:
        """Return None: a repository has no archive."""
        del work, progress

    def _required_commit(self) -> str:
        if self._commit is None:
            raise StudyError(f"{self.key} is not locked; `safebasin lock` looks up its commit")
        return self._commit

    def _cached(self, wanted: WantedFile) -> Path | None:
        record = FileRecord(sha256=wanted.sha256, size=wanted.size)
        return find_cached(self._repository, self._required_commit(), wanted.name, record)

    def _places(self) -> list[HubClient | Path]:
        """Return where the files may be had, the user's hub first."""
        return [
            self._hub,
            *(
                HubClient(self._repository, each) if "://" in each else Path(each)
                for each in self._mirrors
            ),
        ]

    def _record_of_small(
        self, name: str, listed: ListedFile, stage: Path, progress: Progress
    ) -> FileRecord:
        """Return what a file is of which the hub tells only Git's hash."""
        commit = self._required_commit()
        path = find_snapshot(self._repository, commit, name)
        if path is None or git_hash(path.read_bytes()) != listed.git_id:
            path = stage / name
            self._hub.download(commit, name, None, path, progress)
        if git_hash(path.read_bytes()) != listed.git_id:
            raise DamagedInput(
                f"{self.key}: {name!r} came with other bytes than the hub lists; run again"
            )
        return record_of(path)

    def _obtain(self, name: str, wanted: FileRecord, target: Path, progress: Progress) -> None:
        """Make ``target`` the wanted file, from the first place that gives it."""
        commit = self._required_commit()
        cached = find_cached(self._repository, commit, name, wanted)
        if cached is not None and is_right(cached, wanted):
            way = link_or_copy(cached, target)
            progress.note(f"{name}: {way} of the file in the Hugging Face cache")
            return
        problems: list[SafebasinError] = []
        for place in self._places():
            try:
                if isinstance(place, HubClient):
                    place.download(commit, name, wanted, target, progress)
                else:
                    _take_from_folder(place / name, wanted, target)
            except (MachineLacks, DamagedInput) as problem:
                problems.append(problem)
            else:
                return
        raise _joined(problems)


def _take_from_folder(path: Path, wanted: FileRecord, target: Path) -> None:
    if not is_right(path, wanted):
        raise DamagedInput(f"{path} is missing or not the file of SHA-256 {wanted.sha256}")
    target.parent.mkdir(parents=True, exist_ok=True)
    # Never a link: the user may go on editing what is in a folder.
    shutil.copyfile(path, target)


def _joined(problems: Sequence[SafebasinError]) -> SafebasinError:
    """Return the first problem, with what the mirrors said after it."""
    first, *others = problems
    return type(first)("; mirrors: ".join(str(each) for each in [first, *others]))
