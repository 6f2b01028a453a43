"""A spec on a command line: canonical JSON, or a file where that would be too long."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from safebasin.errors import RequestError
from safebasin.store.publish import write_atomically
from safebasin.store.receipts import RECEIPTS
from safebasin.store.spec import Spec

LONGEST = 60_000
"""Linux takes at most 128 KiB in one argument, and quoting may lengthen the text."""
SPECS = RECEIPTS / "specs"
_FILE = "file:"


def lay_long_specs(specs: Iterable[Spec], directory: Path) -> None:
    """Write the specs that are too long for a command line, beside the receipts.

    Only tables over a whole study grow that long. The file is named by the digest of what is in
    it, so it never changes.
    """
    for spec in specs:
        if len(text := spec.text) > LONGEST:
            path = directory / _path(spec)
            if not _holds(path, text):  # a power cut may have left less
                write_atomically(path, text)


def pack_spec(spec: Spec) -> str:
    """Return ``spec`` as one argument."""
    text = spec.text
    return text if len(text) <= LONGEST else f"{_FILE}{_path(spec)}"


def unpack_spec(argument: str) -> Spec:
    """Return the spec that ``pack_spec`` named.

    Raises:
        RequestError: there is no such file, or its text is not the spec it should be.
    """
    path = Path(argument.removeprefix(_FILE)) if argument.startswith(_FILE) else None
    try:
        spec = Spec.from_json(json.loads(path.read_text(encoding="utf-8") if path else argument))
    except (OSError, ValueError) as problem:
        raise RequestError(f"--spec is not a spec ({problem})") from problem
    if path and path.stem != spec.digest:
        raise RequestError(f"{path} holds the spec of {spec.digest}; remove it and start again")
    return spec


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_bytes() == text.encode()


def _path(spec: Spec) -> Path:
    return SPECS / f"{spec.digest}.json"
