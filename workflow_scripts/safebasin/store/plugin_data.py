"""A plug-in's data: the files that a study names for it, and paths in its text that may not be."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from safebasin.errors import StudyError

_SYSTEM = tuple(
    Path(name)
    for name in (
        *("/bin", "/dev", "/etc", "/lib", "/lib64", "/proc", "/sbin", "/sys", "/usr"),
        *(sys.prefix, sys.base_prefix),
    )
)
"""What belongs to the machine, as installed packages do."""
_LONGEST = 4096
"""No path is longer."""


def named_data(folder: Path, named: Sequence[str]) -> dict[str, bytes]:
    """Return the bytes of what a study names: files, and all files of the folders that it names.

    In a folder, hidden files and Python's caches are passed over; a hidden file can be named.

    Raises:
        StudyError: something is not there, or is no file and no folder with files.
    """
    found: dict[str, bytes] = {}
    for name in named:
        path = folder / name
        if name.startswith("/") or ".." in Path(name).parts or path == folder:
            raise StudyError(f"{name!r} is no file or folder within the plug-in's folder {folder}")
        if path.is_file():
            found[path.relative_to(folder).as_posix()] = bytes_of(path)
            continue
        if not path.is_dir():
            raise StudyError(f"there is no such file or folder as {name} in {folder}")
        within = {each.relative_to(folder).as_posix(): each for each in _within(path)}
        if not within:
            raise StudyError(f"the folder {path} holds no file")
        found |= {key: bytes_of(each) for key, each in within.items()}
    return found


def bytes_of(path: Path) -> bytes:
    """Return the bytes of a file of a plug-in's.

    Raises:
        StudyError: it cannot be read, or is gone.
    """
    try:
        return path.read_bytes()
    except OSError as problem:
        raise StudyError(f"{path}, of a plug-in, cannot be read: {problem.strerror}") from problem


def is_passed_over(path: Path) -> bool:
    """Whether a named folder is taken without this entry of it."""
    return path.name.startswith(".") or path.name == "__pycache__" or path.suffix == ".pyc"


def _within(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if is_passed_over(path):
            continue
        if path.is_dir() and not path.is_symlink():
            yield from _within(path)
        elif path.is_file():
            yield path
        else:
            raise StudyError(
                f"{path} is a link to a folder, a link to nothing, or no file; name what is meant"
            )


def refuse_literal_paths(tree: ast.Module, path: Path) -> None:
    """Refuse a string that is the absolute path of something that is there.

    Raises:
        StudyError: a string names a file or folder outside the system by its absolute path.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
            text = node.value if isinstance(node.value, str) else node.value.decode("latin-1")
            if _is_somewhere(text.removeprefix("file://")):
                raise StudyError(
                    f"{path}, line {node.lineno}: {text!r} names a file by its absolute path; its "
                    "bytes would change results and no digest. Put it beside the plug-in, read it "
                    "as Path(__file__).parent / NAME, and name it in the study: files: [NAME]"
                )


def _is_somewhere(text: str) -> bool:
    """Whether the text is the absolute path of something that is there and not the system's."""
    if not text.startswith(("/", "~")) or len(text) > _LONGEST or not text.isprintable():
        return False
    if text == "~" or not text.strip("/"):
        return False  # a sign like others
    try:
        path = Path(text).expanduser()
        path = path.resolve() if path.is_absolute() else path
        return (
            path.is_absolute()
            and path != path.parent
            and not any(path.is_relative_to(place) for place in _SYSTEM)
            and path.exists()
        )
    except (OSError, RuntimeError, ValueError):
        return False
