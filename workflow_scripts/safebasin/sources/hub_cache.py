"""Files that the user's Hugging Face cache holds already."""

from __future__ import annotations

from pathlib import Path

from huggingface_hub import constants, try_to_load_from_cache
from huggingface_hub.file_download import repo_folder_name

from safebasin.sources.lock import FileRecord, record_of
from safebasin.sources.repository import Repository


def find_cached(repository: Repository, commit: str, name: str, wanted: FileRecord) -> Path | None:
    """Return a file of the cache that has the wanted size, or None.

    Large files are kept there under their SHA-256, so that one is found also where it came with
    another commit. Nothing is hashed here.
    """
    for path in _candidates(repository, commit, name, wanted.sha256):
        if path.is_file() and path.stat().st_size == wanted.size:
            return path
    return None


def is_right(path: Path, wanted: FileRecord) -> bool:
    """Return whether the file at ``path`` has the wanted size and SHA-256."""
    return path.is_file() and path.stat().st_size == wanted.size and record_of(path) == wanted


def find_snapshot(repository: Repository, commit: str, name: str) -> Path | None:
    """Return the file that the cache holds under commit and name, or None."""
    found = try_to_load_from_cache(
        repository.name,
        name,
        cache_dir=constants.HF_HUB_CACHE,
        revision=commit,
        repo_type=repository.kind,
    )
    return Path(found) if isinstance(found, str) else None


def _candidates(repository: Repository, commit: str, name: str, sha256: str) -> list[Path]:
    home = Path(constants.HF_HUB_CACHE) / repo_folder_name(
        repo_id=repository.name, repo_type=repository.kind
    )
    snapshot = find_snapshot(repository, commit, name)
    return [home / "blobs" / sha256, *([snapshot] if snapshot else [])]
