"""What was asked to be made again, and what was.

Two notes per artifact in ``<store>/.redo/``. Asking moves nothing: the artifact stays where it is
until the one that replaces it is whole, and whoever reads it meanwhile reads what is there. Once it
is replaced by other bytes, a note tells the manifest of the new one: what was made from other bytes
of it may follow. What was made from other bytes without anybody having asked is refused instead.
"""

from __future__ import annotations

from pathlib import Path

from safebasin.resume.durable import write_durably
from safebasin.store.artifact import Artifact, hash_manifest
from safebasin.store.store import Store


def ask(store: Store, kind: str, digest: str) -> None:
    """Ask for the artifact to be made again by the next run of a study that has it."""
    if is_asked(store, digest):
        return
    try:
        before = hash_manifest(store.home(kind, digest))
    except OSError:
        before = "unreadable"
    _write(_asked(store, digest), f"{before}\n")


def withdraw(store: Store, kind: str, digest: str) -> None:
    """Take back what was asked.

    A process that was killed just after it had replaced the artifact could not answer: then what
    was made from the old one may follow all the same.
    """
    try:
        now = hash_manifest(store.home(kind, digest))
    except OSError:
        now = None
    if now is not None and is_asked(store, digest):
        _settle(store, digest, now)
    _forget(store, digest)


def is_asked(store: Store, digest: str) -> bool:
    """Return whether the artifact is to be made again."""
    return _asked(store, digest).is_file()


def answer(store: Store, made: Artifact) -> None:
    """Note what the artifact is now, if it was asked for and has other bytes than it had."""
    digest = made.spec.digest
    if not is_asked(store, digest):
        return
    _settle(store, digest, made.manifest)
    _forget(store, digest)


def was_redone(store: Store, digest: str, manifest: str) -> bool:
    """Return whether the artifact got this very manifest because it was asked for."""
    return _read(_made(store, digest)) == manifest


def _settle(store: Store, digest: str, now: str) -> None:
    """Note the manifest that the artifact has now, if it had another one when it was asked for."""
    if _read(_asked(store, digest)) != now:
        _write(_made(store, digest), f"{now}\n")


def _forget(store: Store, digest: str) -> None:
    _asked(store, digest).unlink(missing_ok=True)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_durably(path, text)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _asked(store: Store, digest: str) -> Path:
    return store.root / ".redo" / f"{digest}.asked"


def _made(store: Store, digest: str) -> Path:
    return store.root / ".redo" / f"{digest}.made"
