"""A job's texts on a command line: themselves, or a file where they would be too long."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from safebasin.errors import RequestError
from safebasin.store.canonical import digest_of_json
from safebasin.store.publish import write_atomically
from safebasin.store.receipts import RECEIPTS
from safebasin.store.spec import Spec

LONGEST = 40_000
"""Bytes, as a shell quotes them. Linux takes at most 128 KiB in one argument, and the whole command
of a job is one for the shell."""
SPECS = RECEIPTS / "specs"
_FILE = "file:"


def lay_long_specs(specs: Iterable[Spec], directory: Path) -> None:
    """Write the specs that are too long for a command line, beside the receipts."""
    lay_long_texts((spec.text for spec in specs), directory)


def lay_long_texts(texts: Iterable[str], directory: Path) -> None:
    """Write the texts that are too long for a command line, beside the receipts.

    A file is named by the digest of what is in it, so it never changes; one that was torn or
    changed is written anew.
    """
    for text in texts:
        if _is_long(text):
            path = directory / _path(text)
            if _read(path) != text:  # a power cut may have left less
                write_atomically(path, text)


def wanted_text(wanted: Sequence[Mapping[str, object]]) -> str:
    """Return what is taken of a job's rows, as text."""
    return json.dumps(list(wanted), sort_keys=True)


def pack_spec(spec: Spec) -> str:
    """Return ``spec`` as one argument."""
    return pack_text(spec.text)


def pack_text(text: str) -> str:
    """Return ``text`` as one argument."""
    return f"{_FILE}{_path(text)}" if _is_long(text) else text


def origin_text(origin: Mapping[str, str]) -> str:
    """Return where a source is to be had, as JSON."""
    return json.dumps(dict(origin), sort_keys=True)


def unpack_spec(argument: str) -> Spec:
    """Return the spec that ``pack_spec`` named.

    Raises:
        RequestError: there is no such file, or its text is not the spec it should be.
    """
    text = unpack_text(argument)
    try:
        return Spec.from_json(json.loads(text))
    except ValueError as problem:
        raise RequestError(f"--spec is not a spec ({problem})") from problem


def unpack_text(argument: str) -> str:
    """Return the text that ``pack_text`` named.

    Raises:
        RequestError: there is no such file, or another text is in it.
    """
    if not argument.startswith(_FILE):
        return argument
    path = Path(argument.removeprefix(_FILE))
    text = _read(path)
    if text is None:
        raise RequestError(f"{path} is not there, or is no text; start again, which lays it")
    if (found := digest_of_json(text.encode())) != path.stem:
        raise RequestError(f"{path} holds {found}, and not {path.stem}; start again")
    return text


def _is_long(text: str) -> bool:
    # A sign takes at most four bytes, a quote five signs; few texts are long enough to be asked.
    return len(text) * 5 > LONGEST and len(shlex.quote(text).encode()) > LONGEST


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None


def _path(text: str) -> Path:
    return SPECS / f"{digest_of_json(text.encode())}.json"
