"""Which files of a source are read, and their text."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from safebasin.errors import DamagedInput
from safebasin.sources.patterns import matches

OURS = ("artifact.json", "run.json")
"""What the store lays beside a source's files."""
_SHOWN = 8
_KINDS = {
    b"\xff\xfe": "it looks like UTF-16",
    b"\xfe\xff": "it looks like UTF-16",
    b"\x1f\x8b": "it is compressed with gzip",
    b"\x28\xb5\x2f\xfd": "it is compressed with zstd",
    b"BZh": "it is compressed with bzip2",
    b"\xfd7zXZ": "it is compressed with xz",
    b"PK": "it is a ZIP archive or a spreadsheet",
    b"PAR1": "it is a Parquet file",
}
"""How files begin that hold no text in UTF-8."""
_POINTER = b"version https://git-lfs.github.com/spec/"


def find_files(folder: Path, pattern: str) -> list[Path]:
    """Return the files below ``folder`` that the glob ``pattern`` names, sorted.

    What programs lay beside people's files (copies of notebooks, attributes of macOS) would count
    rows twice: as in a shell, ``*`` names nothing that begins with a dot.

    Raises:
        DamagedInput: there is none, or one is a link out of the folder or a stand-in of Git LFS.
    """
    files = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    names = sorted(file.as_posix() for file in files if file.as_posix() not in OURS)
    asked = PurePosixPath(pattern).as_posix()
    found = [folder / name for name in names if matches(name, asked) and _is_meant(name, asked)]
    if not found:
        more = f" and {len(names) - _SHOWN} others" if len(names) > _SHOWN else ""
        held = f"it has {', '.join(names[:_SHOWN])}{more}" if names else "it is empty"
        raise DamagedInput(f"'path: {pattern}' names no file of the source; {held}")
    for path in found:
        if not path.resolve().is_relative_to(folder.resolve()):
            raise DamagedInput(
                f"{path.relative_to(folder)} is a link out of the source; put the file there"
            )
        with path.open("rb") as file:
            if file.read(len(_POINTER)) == _POINTER:
                raise DamagedInput(
                    f"{path.relative_to(folder)} is not the file itself but what Git LFS lays in "
                    "its place; fetch it with `git lfs pull`"
                )
    return sorted(found)


def _is_meant(name: str, pattern: str) -> bool:
    """Return whether no part of the path is hidden, unless ``pattern`` itself names such a part."""
    hidden = [part for part in name.split("/") if part.startswith(".") or part == "__MACOSX"]
    asked = [part for part in pattern.split("/") if part.startswith(".") or part == "__MACOSX"]
    return len(hidden) <= len(asked)


def read_text(path: Path, name: str) -> str:
    """Return the text of a file in UTF-8, with its line ends as they are, without a BOM.

    Raises:
        DamagedInput: it is not UTF-8.
    """
    raw = path.read_bytes()
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        told = next((told for first, told in _KINDS.items() if raw.startswith(first)), None)
        seen = told or f"byte {raw[error.start]:#04x} in line {line}"
        raise DamagedInput(f"{name} is not in UTF-8 ({seen}); save it as UTF-8") from error
