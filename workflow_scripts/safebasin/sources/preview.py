"""What locking a source would ask for and download."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from safebasin.progress import SILENT
from safebasin.sources.choice import choose
from safebasin.sources.hub import HubSource
from safebasin.sources.origin import open_source


def preview_lock(
    origin: Mapping[str, str], patterns: Sequence[str], optional: Sequence[str] = ()
) -> str:
    """Return one line that says what locking ``origin`` would do. A hub is asked; nothing is kept.

    Raises:
        StudyError: a pattern names no file, or nothing but pickles or code.
        MachineLacks: the hub cannot be asked.
    """
    source = open_source(origin)
    if not isinstance(source, HubSource):
        what = "its archive would be downloaded" if "pypi" in origin else "its files would be read"
        return f"{source.key}: {what} and hashed"
    names = source.names(Path(), SILENT)
    wanted = choose(names, patterns, source.key, careful=True, optional=optional)
    chosen = [source.listed()[name] for name in wanted]
    small = sum(each.size for each in chosen if each.record is None)
    return (
        f"{source.key}: commit {source.revision()}, {len(chosen)} of {len(names)} files, "
        f"{size_text(sum(each.size for each in chosen))} to fetch in a run; locking would download "
        f"{size_text(small)} (the hub tells the hashes of large files)"
    )


def size_text(size: float) -> str:
    """Return a number of bytes as people write it, such as ``12.6 GiB``."""
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if size < 1024 or unit == "GiB":
            break
        size /= 1024
    return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
