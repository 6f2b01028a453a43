"""Reading a small file of a source, wherever it already is, or by asking for it."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import TypeAdapter

from safebasin.errors import SafebasinError
from safebasin.preflight.finding import Site
from safebasin.progress import SILENT
from safebasin.sources.origin import open_source
from safebasin.sources.patterns import matching
from safebasin.sources.wanted import WantedFile
from safebasin.study.graph import Node
from safebasin.templates.named import FOLDER

_SMALL = 1 << 22
_WANTED = TypeAdapter(list[WantedFile])


def wanted_files(source: Node) -> list[WantedFile]:
    """Return the files that a source stands for; none while it is not locked."""
    return _WANTED.validate_python(source.spec.params.get("files", []))


def files_beside(source: Node, pattern: str | None) -> list[WantedFile]:
    """Return the files of a source that are one checkpoint's: those beside the file that is picked.

    Args:
        source: It may hold several checkpoints, in folders.
        pattern: The checkpoint's ``file``; None is what a conversion takes then. All files are
            returned where it does not pick one.
    """
    files = wanted_files(source)
    picked = matching([each.name for each in files], [pattern or "**/config.json"])
    if len(picked) != 1:
        return files
    home = PurePosixPath(picked[0]).parent
    homes = (home, home / FOLDER)
    return [each for each in files if PurePosixPath(each.name).parent in homes]


def is_at_hand(site: Site, source: Node) -> bool:
    """Return whether the source's files lie on this machine, in the store or in a folder."""
    return site.holds(source) or "folder" in source.origin


def read_settings(
    site: Site, source: Node, name: str, pattern: str | None = None
) -> dict[str, Any] | None:
    """Return the JSON object in the node's file of that name, or None (see ``read_text``)."""
    text = read_text(site, source, name, pattern)
    try:
        value = None if text is None else json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def read_text(site: Site, node: Node, name: str, pattern: str | None = None) -> str | None:
    """Return the text of a node's file of that name, or None.

    Of several in a source the one beside the file that ``pattern`` picks is meant.

    The store is looked at first. A hub's or folder's small file is else fetched to a temporary
    folder, and its hash is checked like any other's; packages are not, since that would download
    the whole archive. What cannot be had is None: that is for another check to say.
    """
    files = files_beside(node, pattern)
    each = next((file for file in files if Path(file.name).name == name), None)
    if site.holds(node):
        home = site.workflow.store.home(node.kind, node.digest)
        return _text(home / (each.name if each else name))
    if each is None or "pypi" in node.origin or each.size > _SMALL:
        return None
    with tempfile.TemporaryDirectory(prefix="safebasin-preflight-") as folder:
        work, into = Path(folder, "work"), Path(folder, "files")
        work.mkdir()
        try:
            open_source(node.origin).copy([each], into, work, SILENT)
        except SafebasinError:
            return None
        return _text(into / each.name)


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError):
        return None
