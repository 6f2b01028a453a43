"""The copy that a plug-in runs from, and what is to be said where it looks for more.

The copy and the working folder lie under one base and mirror the paths that they stand for, so that
a path in them tells what the plug-in would have found without the copy.
"""

from __future__ import annotations

import linecache
import os
import shutil
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import get_ident
from types import FrameType, TracebackType

from safebasin.errors import StudyError
from safebasin.store.plugin_closure import Plugin
from safebasin.store.plugin_data import is_passed_over

_ALIAS = """import sys
from importlib.util import module_from_spec, spec_from_file_location
spec = spec_from_file_location(__name__, {})
module = sys.modules[__name__] = module_from_spec(spec)
spec.loader.exec_module(module)
"""
_NO_FILE = "No such file or directory"
_FINDERS = ("<frozen importlib", "/importlib/metadata/", "/pkg_resources/", "/linecache.py")
"""Text that looks for modules, and for lines of them, in every folder that Python knows."""


@dataclass(slots=True, kw_only=True)
class Stage:
    """The copy of one plug-in, and what it asked for in vain."""

    reference: str
    plugin: Plugin
    base: Path
    directory: str
    """The working directory that the study was run from."""
    missed: StudyError | None = None
    looking: set[int] = field(default_factory=set)
    """Threads in which what is asked now is asked by this very module."""

    @property
    def folder(self) -> Path:
        """Where the copy of the plug-in's folder is."""
        return self._mirrored("copy", str(self.plugin.folder))

    @property
    def work(self) -> Path:
        """The empty folder that the step works in."""
        return self._mirrored("work", self.directory)

    @property
    def by_name(self) -> Path:
        """Where processes that the plug-in starts find its file by the name that it has here."""
        return self.base / "by_name"

    @property
    def _told(self) -> Path:
        """Where a process that the plug-in forked writes what it missed."""
        return self.base / "missed"

    def _mirrored(self, part: str, path: str) -> Path:
        return self.base / part / path.lstrip("/")

    def write(self) -> None:
        """Write the copy: the bytes that were hashed, and no others."""
        shutil.rmtree(self.base, ignore_errors=True)
        for name, content in self.plugin.files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        self.work.mkdir(parents=True)
        self.by_name.mkdir()
        file = self.folder / self.plugin.file.name
        alias = self.by_name / f"safebasin_plugin_{file.stem}.py"  # as it is loaded
        alias.write_text(_ALIAS.format(ascii(str(file))), encoding="utf-8")

    def meant(self, path: object) -> tuple[str, Path] | None:
        """Return the part and the original of a path within the base."""
        if not isinstance(path, str | bytes | os.PathLike):
            return None
        told = os.path.normpath(Path(os.fsdecode(path)).absolute())  # no link is followed
        for part in ("copy", "work"):
            root = f"{self.base / part}/"
            if told.startswith(root):
                return part, Path("/", told.removeprefix(root))
        return None

    def miss(self, path: object, *, listed: bool = False) -> None:
        """Refuse a path that is there in the original and not in the copy.

        Raises:
            StudyError: it is there.
        """
        thread = get_ident()
        found = None if thread in self.looking else self.meant(path)
        if found is None or not _is_own(self.base, anyone=found[0] == "copy"):
            return
        self.looking.add(thread)
        try:
            part, original = found
            here = Path(os.fsdecode(path))  # type: ignore[arg-type]
            missing = _unlisted(original, here) if listed else [original]
            if missing and (listed or not here.exists()) and os.path.lexists(original):
                self._refuse(part, missing, listed)
        finally:
            self.looking.discard(thread)

    def refuse_import(self, module: str, original: Path) -> None:
        """Refuse a module that is there in the original and not in the copy."""
        self._refuse("copy", [original], False, f"imports {module}, from")

    def _refuse(
        self, part: str, missing: Sequence[Path], listed: bool, verb: str | None = None
    ) -> None:
        names = [self._name(path) for path in missing]
        did = verb or ("lists a folder with" if listed else "looks for")
        told = f"the plug-in {self.reference} {did} {', '.join(names[:4])}"
        told += f" and {len(names) - 4} more" if len(names) > 4 else ""
        self.missed = self.missed or StudyError(f"{told}, {self._cure(part, missing, names)}")
        with suppress(OSError):  # it is gone where a process outlives the step
            self._told.write_text(str(self.missed), encoding="utf-8")
        raise self.missed

    def find_missed(self) -> StudyError | None:
        """Return what this process or one that it forked asked for in vain."""
        if self.missed is None and self._told.exists():
            self.missed = StudyError(self._told.read_text(encoding="utf-8"))
        return self.missed

    def _name(self, path: Path) -> str:
        """Return a path as it is named from the plug-in's folder, or whole."""
        folder = self.plugin.folder
        return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)

    def _cure(self, part: str, missing: Sequence[Path], names: Sequence[str]) -> str:
        if all(path.is_relative_to(self.plugin.folder) for path in missing):
            where = " as Path(__file__).parent / NAME" if part == "work" else ""
            return (
                "which no digest knows: it is given only its modules and what the study names. Put "
                f"`files: [{', '.join(names)}]` beside its type{where and f' and read it{where}'}"
            )
        return (
            f"which lies outside its folder {self.plugin.folder}, or is named from the working "
            "directory, and which no digest knows. Move it beside the plug-in, read it as "
            "Path(__file__).parent / NAME, and name it beside its type: `files: [NAME]`"
        )

    def explain(self, error: BaseException) -> StudyError | None:
        """Return what an error of the plug-in's means, where it looked for what is nowhere."""
        if self._is_of_a_file(error):
            found = self.meant(getattr(error, "filename", None))
            words = str(error)
            for part in ("copy", "work"):
                words = words.replace(str(self.base / part), "")
            told = self._name(found[1]) if found else f"a file ({words})"
            return StudyError(
                f"the plug-in {self.reference} looks for {told}, which is not there; put it beside "
                "the plug-in and name it beside its type: `files: [NAME]`"
            )
        if isinstance(error, ModuleNotFoundError) and _raised_in(error.__traceback__, self.base):
            return StudyError(
                f"the plug-in {self.reference} imports {error.name}, which is not there: {error}; "
                "what it imports must be installed or lie beside it"
            )
        return None

    def _is_of_a_file(self, error: BaseException) -> bool:
        """Whether a file is not in the copy; compiled readers say so in words of their own."""
        if isinstance(error, FileNotFoundError):
            return str(self.base) in str(error)
        return _NO_FILE in str(error) and _raised_in(error.__traceback__, self.base)

    def ended(self, ended: SystemExit) -> StudyError:
        """Return what is to be said of a plug-in that leaves the program as if all were done."""
        return StudyError(
            f"the plug-in {self.reference} ends the program (sys.exit: {ended.code!r}); let it "
            "raise an error that says why"
        )

    def note(self, error: BaseException) -> None:
        """Add to an error of the plug-in's own where in the user's file it was raised."""
        place = None
        for frame in traceback.extract_tb(error.__traceback__):
            if found := self.meant(frame.filename):
                place = f"{found[1]}, line {frame.lineno}, in {frame.name}"
        if place is None:
            return
        for name, content in self.plugin.files.items():  # the lines that a traceback shows
            lines = content.decode(errors="replace").splitlines(keepends=True)
            if name.endswith(".py"):
                key = str(self.folder / name)
                linecache.cache[key] = (len(content), None, lines, key)
        first = next(iter(str(error).splitlines()), "")
        error.add_note(
            f"the plug-in {self.reference} failed: {type(error).__name__}: {first} ({place})"
        )


def _is_own(base: Path, *, anyone: bool) -> bool:
    """Whether it is for the plug-in that something is asked now, and not to find modules.

    Args:
        base: where the text of the plug-in is.
        anyone: what is answered where no function of the plug-in's is among those that run.
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(f"{base}/"):
            return True
        if any(part in name for part in _FINDERS) or frame.f_code is os.makedirs.__code__:
            return False
        frame = frame.f_back
    return anyone


def _raised_in(trace: TracebackType | None, base: Path) -> bool:
    return trace is not None and (
        trace.tb_frame.f_code.co_filename.startswith(f"{base}/") or _raised_in(trace.tb_next, base)
    )


def _unlisted(original: Path, copy: Path) -> list[Path]:
    """Return what the original of a folder holds and the copy does not."""
    if not original.is_dir():
        return []
    return [
        path
        for path in sorted(original.iterdir())
        if not is_passed_over(path) and not (copy / path.name).exists() and _has_file(path)
    ]


def _has_file(path: Path) -> bool:
    return not path.is_dir() or any(each.is_file() for each in path.rglob("*"))
